// What no SDK sends: raw lines. Each is refused or answered as docs/proxy.md says, and the log of the server behind
// the proxy shows that it never saw those that may not pass.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { RawPeer, decisionOf, everything, gated, read, recorded, scratch } from './harness.mjs';

const policy = {
  default: 'deny',
  hide: ['get-env'],
  tools: {
    echo: {},
    'get-tiny-image': { action: 'require_approval' },
    'get-structured-content': { deny_if: [{ conditions: [{ path: 'args.name', op: 'eq', value: 'get-env' }] }] },
    'get-sum': { deny_if: [{ conditions: [{ path: 'args.a', op: 'gt', value: 100 }] }] },
  },
};

const ok = '{"message":"reached-the-server"}';
const callText = (id, name = '"echo"', args = ok) =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":${name},"arguments":${args}}}`;
const bytes = (before, raw, after) => Buffer.concat([Buffer.from(before), Buffer.from(raw), Buffer.from(after)]);

/** `code`: the error that answers it; `silent`: nothing does; `reason`: a refusal with that reason. */
const attacks = [
  { name: 'a batch', line: `[${callText(1)}]`, code: -32600 },
  { name: 'an empty batch', line: '[]', code: -32600 },
  { name: 'a nested batch', line: `[[${callText(1)}]]`, code: -32600 },
  { name: 'a list without id', line: '{"jsonrpc":"2.0","method":"tools/list"}', silent: true },
  { name: 'a call without id', line: callText(1).replace('"id":1,', ''), silent: true },
  ...['null', '{}', '[]', 'true', '1.5', '1.0', '1e1', '-0', '9007199254740992', '-9007199254740992'].map((id) => ({
    name: `the id ${id}`, line: callText(id), code: -32600,
  })),
  { name: 'method twice', line: '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"echo","arguments":{"message":"reached-the-server"}}}', code: -32600 },
  { name: 'method twice, escaped', line: '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"tools/call","method":"ping","params":{"name":"echo","arguments":{"message":"reached-the-server"}}}', code: -32600 },
  { name: 'name twice', line: callText(1, '"echo","name":"get-env"'), code: -32602 },
  { name: 'name twice, the other way', line: callText(1, '"get-env","name":"echo"'), code: -32602 },
  { name: 'arguments twice', line: callText(1, '"echo"', `{"message":"x"},"arguments":${ok}`), code: -32602 },
  { name: 'an argument twice', line: callText(1, '"get-sum"', '{"a":1,"b":1,"a":1000}'), reason: 'malformed_call' },
  { name: 'an argument twice, escaped', line: callText(1, '"get-sum"', '{"\\u0061":1,"b":1,"a":1000}'), reason: 'malformed_call' },
  ...['Method', 'METHOD', 'method\\u0000'].map((key) => ({
    name: `the key ${key}`, line: callText(1).replace('"method"', `"${key}"`), code: -32600,
  })),
  ...['Jsonrpc', 'ID', 'id\\u0000', 'Params', 'Result', 'erRor'].map((key) => ({
    name: `the key ${key} beside the others`, line: callText(1).replace('{', `{"${key}":"x",`), code: -32600,
  })),
  ...['Arguments', '_META', '_meta\\u0000', 'Task', 'inputresponses', 'RequestState'].map((key) => ({
    name: `the key ${key} beside name`, line: callText(1, `"echo","${key}":{}`), code: -32602,
  })),
  { name: 'a member twice somewhere below', line: callText(1, '"echo","_meta":{"a":{"x":1,"x":2}}'), code: -32602 },
  ...['Name', 'NAME', 'name\\u0000'].map((key) => ({
    name: `the key ${key} beside name`, line: callText(1, `"echo","${key}":"get-env"`), code: -32602,
  })),
  { name: 'argument\u017f beside arguments', line: callText(1, '"echo","argument\u017f":{}'), code: -32602 },
  { name: 'tas\u212a beside the others', line: callText(1, '"echo","tas\u212a":{}'), code: -32602 },
  ...['Tools/Call', 'tools/call ', ' tools/call', 'tools/call\\u0000', 'TOOLS/LIST', 'tools/list\\u0000x'].map((method) => ({
    name: `the method "${method}"`, line: callText(1).replace('tools/call', method), code: -32600,
  })),
  { name: 'a hidden call between two carriage returns', line: `{"jsonrpc":"2.0","id":1,"method":"ping","x":\r${callText(2)}\r}`, code: -32600 },
  { name: 'a raw NUL', line: bytes('{"jsonrpc":"2.0","id":1,"method":"ping"', [0], '}'), code: -32700 },
  { name: 'a byte order mark', line: bytes('', [0xef, 0xbb, 0xbf], callText(1)), code: -32700 },
  { name: 'a raw tab in a string', line: '{"jsonrpc":"2.0","id":1,"method":"pi\tng"}', code: -32700 },
  { name: 'a raw escape in a tool name', line: callText(1, '"echo\u001b[2J"'), code: -32700 },
  { name: 'a terminal escape in a tool name', line: callText(1, '"echo\\u001b[2J"'), code: -32602 },
  { name: 'a number with a leading zero', line: callText(1, '"get-sum"', '{"a":010,"b":1}'), code: -32700 },
  { name: 'invalid UTF-8', line: bytes('{"jsonrpc":"2.0","id":1,"method":"', [0xff], '"}'), code: -32700 },
  { name: 'overlong UTF-8', line: bytes('{"jsonrpc":"2.0","id":1,"method":"', [0xc0, 0xaf], '"}'), code: -32700 },
  { name: 'a lone surrogate', line: '{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', code: -32700 },
  { name: 'two documents', line: '{"jsonrpc":"2.0","id":1,"method":"ping"}' + callText(2), code: -32700 },
  { name: 'a trailing comma', line: '{"jsonrpc":"2.0","id":1,"method":"ping",}', code: -32700 },
  { name: 'a comment', line: '{"jsonrpc":"2.0","id":1,/**/"method":"ping"}', code: -32700 },
  { name: 'NaN', line: callText(1, '"get-sum"', '{"a":NaN,"b":1}'), code: -32700 },
  { name: 'a scalar', line: '1', code: -32600 },
  { name: 'the wrong version', line: callText(1).replace('"2.0"', '2.0'), code: -32600 },
  { name: 'no version', line: callText(1).replace('"jsonrpc":"2.0",', ''), code: -32600 },
  { name: 'nothing but an id', line: '{"jsonrpc":"2.0","id":1}', code: -32600 },
  { name: 'method beside error', line: callText(1).replace('"params"', '"error":{},"params"'), code: -32600 },
  { name: 'result beside error', line: '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}', silent: true },
  { name: 'a modern call without capabilities', line: callText(1, '"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}'), code: -32602 },
  { name: 'a state of ours that is none, for a hidden tool', line: callText(1, '"get-env","requestState":"cw1.a.b","inputResponses":{"callwarden":{"action":"accept","content":{"approve":true}}}'), code: -32602 },
  { name: 'a self-made grant', line: callText(1, '"get-sum","_meta":{"grant":"admin","session":"s"},"grant":"admin"', '{"a":1000,"b":1,"grant":"admin","approved":true}'), reason: 'denied_by_rule' },
  { name: 'a self-made approval', line: callText(1, '"get-tiny-image","approval":"x","approved":true,"inputResponses":{"callwarden":{"action":"accept","content":{"approve":true}}}', '{}'), reason: 'approval_required' },
  { name: 'method beside result', line: callText(1).replace('"params"', '"result":{},"params"'), code: -32600 },
  ...['null', '[]', '"{\\"message\\":\\"reached-the-server\\"}"', '1', 'true'].map((args) => ({
    name: `arguments ${args}`, line: callText(1, '"echo"', args), code: -32602,
  })),
  ...['1', 'null', '""', '["echo"]', '"ec\\u0000ho"'].map((name) => ({ name: `the name ${name}`, line: callText(1, name), code: -32602 })),
  { name: 'params as an array', line: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["echo"]}', code: -32602 },
  { name: 'no params', line: '{"jsonrpc":"2.0","id":1,"method":"tools/call"}', code: -32602 },
  { name: 'an overflowing number', line: callText(1, '"get-sum"', '{"a":1e400,"b":1}'), reason: 'malformed_call' },
  { name: 'a huge amount', line: callText(1, '"get-sum"', '{"a":1e30,"b":1}'), reason: 'denied_by_rule' },
  { name: 'an amount of 2^64', line: callText(1, '"get-sum"', '{"a":18446744073709551616,"b":1}'), reasons: ['malformed_call', 'denied_by_rule'] },
  ...['100.00000000000001', '9007199254740993', '1e2000', '101', '1e3'].map((a) => ({
    name: `an amount of ${a}`, line: callText(1, '"get-sum"', `{"a":${a},"b":1}`), reasons: ['malformed_call', 'denied_by_rule'],
  })),
  ...['["1"]', '{"value":1}', 'true', '"1"'].map((a) => ({
    name: `an amount that is ${a}`, line: callText(1, '"get-sum"', `{"a":${a},"b":1}`), reason: 'denied_by_rule',
  })),
  { name: 'the inner name of a tool that calls tools', line: callText(1, '"get-structured-content"', '{"name":"get-env"}'), reason: 'denied_by_rule' },
  { name: 'an amount as a string', line: callText(1, '"get-sum"', '{"a":"1000","b":1}'), reason: 'denied_by_rule' },
  { name: 'a case variant of an argument', line: callText(1, '"get-sum"', '{"a":1,"A":1000,"b":1}'), reason: 'malformed_call' },
  { name: 'a tool in other case', line: callText(1, '"ECHO"'), reasons: ['confusable_tool', 'not_listed'] },
  { name: 'a tool with a trailing space', line: callText(1, '"echo "'), reasons: ['malformed_call', 'confusable_tool', 'not_listed'] },
  { name: 'a tool with a zero-width space', line: callText(1, '"ec\u200bho"'), reasons: ['malformed_call', 'confusable_tool', 'not_listed'] },
  { name: 'a Cyrillic lookalike', line: callText(1, '"\u0435cho"'), reasons: ['malformed_call', 'confusable_tool', 'not_listed'] },
  { name: 'deep nesting in arguments', line: callText(1, '"echo"', `{"message":${'['.repeat(100)}${']'.repeat(100)}}`), reason: 'malformed_call' },
  { name: 'deep nesting of the message', line: `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(5000)}${']'.repeat(5000)}}`, refused: true },
  { name: 'a depth bomb', line: '['.repeat(1000000), refused: true },
];

/** How an attack was answered, checked against what is stated for it. */
function check(attack, reply) {
  if (attack.code !== undefined) assert.equal(reply.error?.code, attack.code, `${attack.name}: ${JSON.stringify(reply)}`);
  if (attack.refused) assert.ok([-32600, -32700].includes(reply.error?.code), `${attack.name}: ${JSON.stringify(reply)}`);
  const reasons = attack.reasons ?? (attack.reason && [attack.reason]);
  if (reasons) {
    assert.equal(reply.result?.isError, true, `${attack.name}: ${JSON.stringify(reply)}`);
    assert.ok(reasons.includes(decisionOf(reply.result)?.reason), `${attack.name}: ${JSON.stringify(reply)}`);
  }
}

test('raw-line attacks are answered as stated, and the server sees none of them', async (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const peer = new RawPeer(t, gated(folder, policy, recorded(log, everything)));
  await peer.initialize();
  for (const [index, attack] of attacks.entries()) {
    const before = peer.lines.length;
    await peer.send(attack.line);
    // The ping tells that everything before it has been answered: refusals do not wait for the server.
    const { result } = await peer.request(`after-${index}`, 'ping');
    assert.ok(result, attack.name);
    const replies = peer.messages().slice(before).filter((m) => m.id !== `after-${index}` && !('method' in m));
    assert.equal(replies.length, attack.silent ? 0 : 1, `${attack.name}: ${JSON.stringify(replies)}`);
    if (!attack.silent) check(attack, replies[0]);
  }
  assert.equal(await peer.close(), 0);

  const seen = read(log).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  assert.deepEqual(seen.map((m) => m.method), ['initialize', 'notifications/initialized', ...attacks.map(() => 'ping')]);
});

test('an unusual spelling of a call is a call', async (t) => {
  const folder = scratch(t);
  const peer = new RawPeer(t, gated(folder, policy, everything));
  await peer.initialize();
  await peer.send('{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"name":"get-s\\u0075m","arguments":{"a":1000,"b":1}}}');
  assert.equal(decisionOf((await peer.reply(1)).result).reason, 'denied_by_rule');
  await peer.send('{"jsonrpc":"2.0","id":2,"method":"tools\\/call","params":{"name":"get-s\\u0075m","arguments":{"a":10,"b":1}}}');
  assert.equal((await peer.reply(2)).result.content[0].text, 'The sum of 10 and 1 is 11.');
});

test('a batch of 2025-03-26 is judged element by element', async (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const peer = new RawPeer(t, gated(folder, policy, recorded(log, everything)));
  await peer.initialize({}, '2025-03-26');
  const allowed = callText(1, '"echo"', '{"message":"one"}');
  await peer.send(`[${allowed},${callText(2, '"get-env"', '{}')},${callText(3, '"get-sum"', '{"a":101,"b":1}')},${callText(4, '"echo"', '[]')}]`);
  assert.equal((await peer.reply(1)).result.content[0].text, 'Echo: one');
  assert.equal((await peer.reply(2)).error.message, 'Unknown tool: get-env');
  assert.equal(decisionOf((await peer.reply(3)).result).reason, 'denied_by_rule');
  assert.equal((await peer.reply(4)).error.code, -32602);
  for (const batch of ['[]', `[[${allowed}]]`, `[${allowed},{"jsonrpc":"2.0","id":9,"method":"initialize","params":{}}]`]) {
    const before = peer.lines.length;
    await peer.send(batch);
    await peer.until(() => (peer.lines.length > before ? true : undefined), 'a refusal');
    assert.deepEqual([peer.messages()[before].error?.code, peer.messages()[before].id], [-32600, null]);
  }
  assert.equal(await peer.close(), 0);
  const calls = read(log).split('\n').filter((line) => line.includes('tools/call'));
  assert.deepEqual(calls, [allowed]);
});

test('an unfinished line at the end never reaches the server, nor does one that is too long', async (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const peer = new RawPeer(t, gated(folder, policy, recorded(log, everything)));
  await peer.send(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'reached-the-server'.repeat(600000)}"}}`);
  assert.equal((await peer.until(() => peer.messages()[0], 'a refusal')).error.code, -32600);
  peer.process.stdin.end(callText(2));
  assert.equal(await peer.ended, 0);
  assert.equal(peer.lines.length, 1);
  assert.equal(read(log), '');
});

test('an id that is in flight is not taken twice', async (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const peer = new RawPeer(t, gated(folder, { default: 'allow' }, recorded(log, everything)));
  await peer.initialize();
  await peer.send({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 1 } } });
  await peer.send({ jsonrpc: '2.0', id: 7, method: 'tools/list' });
  const refusal = await peer.until(() => peer.messages().find((m) => m.error), 'a refusal');
  assert.equal(refusal.error.code, -32600);
  assert.ok(!('id' in refusal), 'the id belongs to the other request');
  assert.ok((await peer.reply(7)).result.content);
  assert.ok(!read(log).includes('tools/list'));
});

test('a hidden tool is answered like one that does not exist, whatever the id', async (t) => {
  const peer = new RawPeer(t, gated(scratch(t), policy, everything));
  await peer.initialize();
  for (const id of [0, -1, 9007199254740991, 'a', '']) {
    const { error } = await peer.call(id, 'get-env', {});
    assert.deepEqual(error, { code: -32602, message: 'Unknown tool: get-env' });
  }
});

test('a call before initialize, and one that claims the other era, are decided alike', async (t) => {
  const peer = new RawPeer(t, gated(scratch(t), policy, everything));
  assert.equal(decisionOf((await peer.call(1, 'get-sum', { a: 1000, b: 1 })).result).reason, 'denied_by_rule');
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'admin', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const answer = await peer.request(2, 'tools/call', { name: 'get-sum', arguments: { a: 1000, b: 1 }, _meta });
  assert.equal(answer.result.resultType, 'complete');
  assert.equal(decisionOf(answer.result).reason, 'denied_by_rule');
});
