// Under a policy that allows everything, messages come out as they went in, byte for byte, both ways.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { RawPeer, everything, gated, here, node, read, recorded, scratch } from './harness.mjs';

const kMessages = 10000;
const seed = Number(process.env.E2E_SEED ?? 1);

/** mulberry32, so that a seed gives the same messages everywhere. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Values and messages as text, with every freedom that JSON leaves to whoever prints it. */
function generator(next) {
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const space = () => pick(['', '', '', ' ', '\t', '  ']);
  const character = () =>
    pick(['a', 'b', '/', ' ', 'é', '漢', '😀', '\\n', '\\u0041', '\\/', '\\"', '\\\\', '\\ud83d\\ude00', '\\u00e9', '\u2028', '\u007f']);
  const string = () => `"${Array.from({ length: below(12) }, character).join('')}"`;
  const number = () => pick(['0', '1', '-1', '1.50', '1e3', '1E+2', '0.0', '123456789012345678', '18446744073709551615', '1e-7', '-0.5']);
  function value(depth) {
    const kind = below(depth > 4 ? 4 : 6);
    if (kind === 0) return string();
    if (kind === 1) return number();
    if (kind === 2) return pick(['true', 'false', 'null']);
    if (kind === 3) return pick(['{}', '[]']);
    if (kind === 4) return `[${Array.from({ length: below(4) }, () => space() + value(depth + 1) + space()).join(',')}]`;
    return object(Array.from({ length: below(4) }, (_, i) => [`"k${i}${pick(['', 'é', '\\u0061'])}"`, value(depth + 1)]));
  }
  function object(members) {
    return `{${members.map(([key, text]) => `${space()}${key}${space()}:${space()}${text}${space()}`).join(',')}}`;
  }
  function shuffled(members) {
    for (let i = members.length - 1; i > 0; --i) {
      const j = below(i + 1);
      [members[i], members[j]] = [members[j], members[i]];
    }
    return members;
  }
  const argumentsOf = () => object(Array.from({ length: below(5) }, (_, i) => [`"arg${i}"`, value(0)]));
  /** What a client may send: calls, other requests, notifications. */
  function fromClient(id) {
    const base = [['"jsonrpc"', '"2.0"']];
    const kind = below(10);
    if (kind < 6) {
      const params = object(shuffled([['"name"', pick(['"echo"', '"ec\\u0068o"', '"a.b-c_D9"'])], ['"arguments"', argumentsOf()]]));
      return shuffled([...base, ['"id"', id], ['"method"', pick(['"tools/call"', '"tools\\/call"'])], ['"params"', params]]);
    }
    if (kind < 8) return shuffled([...base, ['"id"', id], ['"method"', pick(['"ping"', '"resources/read"', '"x/y"'])], ['"params"', object([['"p"', value(0)]])]]);
    return shuffled([...base, ['"method"', pick(['"notifications/progress"', '"notifications/x"'])], ['"params"', object([['"p"', value(0)]])]]);
  }
  /** What a server may answer. */
  function fromServer(id) {
    const body = below(5) === 0 ? ['"error"', object([['"code"', '-32000'], ['"message"', string()], ['"data"', value(0)]])]
      : ['"result"', object([['"content"', '[]'], ['"x"', value(0)]])];
    return shuffled([['"jsonrpc"', '"2.0"'], ['"id"', id], body]);
  }
  return { below, object, fromClient, fromServer };
}

test(`${kMessages} generated messages each way (E2E_SEED=${seed})`, async (t) => {
  const folder = scratch(t);
  const { below, object, fromClient, fromServer } = generator(random(seed));
  const requests = [];
  const answers = [];
  const script = {};
  for (let i = 0; i < kMessages; ++i) {
    const id = below(2) ? `${i}` : `"id-${i}\\u002d"`;
    const members = fromClient(id);
    requests.push(object(members));
    if (members.some(([key]) => key === '"id"')) {
      const answer = object(fromServer(id));
      answers.push(answer);
      script[JSON.parse(id)] = answer;
    }
  }
  // The server answers what the script says, after the line that asks for it.
  const answersFile = join(folder, 'answers.json');
  writeFileSync(answersFile, JSON.stringify(script));
  const log = join(folder, 'log');
  const server = recorded(log, [node, join(here, 'scripted_server.mjs'), answersFile]);
  const peer = new RawPeer(t, gated(folder, { default: 'allow' }, server));
  // Not more at once than a session keeps open: what is beyond that is refused, not forwarded.
  const answered = (count) => peer.until(() => (peer.lines.length >= count ? true : undefined), `${count} answers`);
  let asked = 0;
  for (const line of requests) {
    await peer.send(line);
    if (JSON.parse(line).id !== undefined && ++asked % 1000 === 0) await answered(asked - 500);
  }
  await answered(answers.length);
  assert.equal(await peer.close(), 0);
  assert.equal(read(log), requests.map((line) => `${line}\n`).join(''), 'what the server got');
  assert.deepEqual(peer.lines.map(String), answers, 'what the client got');
});

test('a recorded session with server-everything', async (t) => {
  const folder = scratch(t);
  const outcome = async (command) => {
    const peer = new RawPeer(t, command);
    await peer.initialize({ roots: {} });
    let id = 0;
    const ask = (method, params) => peer.request(++id, method, params);
    await ask('tools/list');
    await ask('prompts/list');
    await ask('resources/list');
    await ask('resources/templates/list');
    for (const [name, args] of [['echo', { message: 'ünï\u2028code "quoted"' }], ['get-sum', { a: 0.1, b: 0.2 }], ['get-tiny-image', {}],
      ['get-structured-content', { location: 'New York' }], ['get-annotated-message', { messageType: 'error', includeImage: true }],
      ['get-resource-links', { count: 3 }], ['no-such-tool', {}], ['get-sum', { a: 'x' }]]) {
      await ask('tools/call', { name, arguments: args });
    }
    await peer.close();
    // Answers are told apart by their ids; notifications come when they like.
    return peer.lines.map(String).filter((line) => 'id' in JSON.parse(line) && !('method' in JSON.parse(line)));
  };
  const plain = await outcome(recorded(join(folder, 'plain.log'), everything));
  const through = await outcome(gated(folder, { default: 'allow' }, recorded(join(folder, 'gated.log'), everything)));
  assert.deepEqual(through, plain);
  assert.equal(read(join(folder, 'gated.log')), read(join(folder, 'plain.log')));
  assert.ok(plain.length >= 12);
});
