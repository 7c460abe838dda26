// `init` writes a policy for a real server, and the proxy then runs that server under it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { callwarden, everything, filesystem, memory, modern, read, scratch } from './harness.mjs';
import { clients } from './sdk_clients.mjs';

/** Runs init on a server; gives the policy's file and the class of each tool. */
function init(folder, server) {
  const policy = join(folder, 'policy.json');
  const tools = join(folder, 'tools.json');
  const out = execFileSync(
    callwarden,
    ['init', '--json', '--output', policy, '--save-tools', tools, '--', ...server],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const report = JSON.parse(out);
  assert.deepEqual(JSON.parse(read(policy)), report.policy);
  // The list that was kept is the one that the policy is for.
  execFileSync(callwarden, ['check', '--strict', '--tools', tools, policy], { stdio: 'ignore' });
  return { policy, classes: Object.fromEntries(report.tools.map((tool) => [tool.name, tool.class])) };
}

const gated = (policy, server) => [callwarden, 'proxy', '--policy', policy, '--', ...server];
const legacy = clients.find((client) => !client.modern);

/** What is destructive is on no list, and a call of it is a call of nothing. */
async function expectHidden(peer, call, classes, names) {
  const listed = (await peer.client.listTools()).tools.map((tool) => tool.name);
  for (const [name, toolClass] of Object.entries(classes)) {
    assert.equal(listed.includes(name), toolClass !== 'destructive', name);
  }
  for (const name of names) {
    assert.equal(classes[name], 'destructive', name);
    await assert.rejects(call(peer, name, {}), (error) => {
      assert.equal(error.code, -32602);
      assert.match(error.message, new RegExp(`Unknown tool: ${name}`));
      return true;
    });
  }
}

test('filesystem: what reads works, what writes is limited, what destroys is gone', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'note.txt'), 'a note');
  const server = filesystem(folder);
  const { policy, classes } = init(folder, server);
  for (const name of ['read_text_file', 'list_directory', 'search_files', 'get_file_info']) {
    assert.equal(classes[name], 'read', name);
  }
  const peer = await legacy.connect(t, gated(policy, server));
  const text = await legacy.call(peer, 'read_text_file', { path: join(folder, 'note.txt') });
  assert.equal(text.content[0].text, 'a note');
  const list = await legacy.call(peer, 'list_directory', { path: folder });
  assert.match(list.content[0].text, /note\.txt/);
  const info = await legacy.call(peer, 'get_file_info', { path: join(folder, 'note.txt') });
  assert.match(info.content[0].text, /size: 6/);
  const found = await legacy.call(peer, 'search_files', { path: folder, pattern: '*.txt' });
  assert.match(found.content[0].text, /note\.txt/);
  // Arguments are held to the server's own schema.
  const wrong = await legacy.call(peer, 'read_text_file', { path: 7 });
  assert.equal(wrong.isError, true);
  assert.match(wrong.content[0].text, /^Denied by policy: args\.path is not what/);

  const hidden = Object.keys(classes).filter((name) => classes[name] === 'destructive');
  assert.ok(hidden.includes('write_file'), hidden.join());
  await expectHidden(peer, legacy.call, classes, hidden);
  const target = join(folder, 'new.txt');
  await assert.rejects(legacy.call(peer, 'write_file', { path: target, content: 'x' }));
  assert.ok(!existsSync(target), 'a refused call does nothing');
});

test('memory: reads and searches a graph that nobody can delete', async (t) => {
  const folder = scratch(t);
  const server = memory(join(folder, 'graph.jsonl'));
  const { policy, classes } = init(folder, server);
  const peer = await legacy.connect(t, gated(policy, server));
  const added = await legacy.call(peer, 'create_entities', {
    entities: [{ name: 'ada', entityType: 'person', observations: ['counts'] }],
  });
  assert.ok(!added.isError, JSON.stringify(added.content));
  const graph = await legacy.call(peer, 'read_graph', {});
  assert.match(graph.content[0].text, /"ada"/);
  const found = await legacy.call(peer, 'search_nodes', { query: 'ada' });
  assert.match(found.content[0].text, /"ada"/);
  await expectHidden(peer, legacy.call, classes, ['delete_entities', 'delete_observations', 'delete_relations']);
  const after = await legacy.call(peer, 'read_graph', {});
  assert.match(after.content[0].text, /"ada"/);
});

test('everything: its own readers work', async (t) => {
  const folder = scratch(t);
  const { policy, classes } = init(folder, everything);
  const peer = await legacy.connect(t, gated(policy, everything));
  const echo = await legacy.call(peer, 'echo', { message: 'grüße' });
  assert.equal(echo.content[0].text, 'Echo: grüße');
  const sum = await legacy.call(peer, 'get-sum', { a: 2, b: 3 });
  assert.match(sum.content[0].text, /is 5/);
  const wrong = await legacy.call(peer, 'get-sum', { a: 'two', b: 3 });
  assert.equal(wrong.isError, true);
  await expectHidden(peer, legacy.call, classes, []);
});

test('a server on SDK 2.x, used in the modern era', async (t) => {
  const client = clients.find((each) => each.modern);
  const folder = scratch(t);
  const { policy, classes } = init(folder, modern);
  assert.equal(classes.echo, 'read');
  const peer = await client.connect(t, gated(policy, modern));
  const echo = await client.call(peer, 'echo', { message: 'hi' });
  assert.equal(echo.content[0].text, 'Echo: hi');
  await expectHidden(peer, client.call, classes, []);
});
