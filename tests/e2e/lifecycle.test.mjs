// What happens to calls when a side ends, and when policies change.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { RawPeer, decisionOf, everything, gated, scratch, upstream } from './harness.mjs';
import { clients } from './sdk_clients.mjs';

for (const { name, connect, call, modern } of clients) {
  if (modern) continue;
  test(`${name}: a server that dies in a call`, async (t) => {
    const peer = await connect(t, gated(scratch(t), { default: 'allow' }, [upstream]));
    const open = call(peer, 'hold', {});
    await assert.rejects(call(peer, 'die', { signal: 9 }), (error) => error.code === -32603);
    await assert.rejects(open, (error) => error.code === -32603);
  });
}

test('every open call is answered once when the server is killed, and the status tells how', async (t) => {
  const peer = new RawPeer(t, gated(scratch(t), { default: 'allow' }, [upstream]));
  for (let id = 0; id < 100; ++id) await peer.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'hold' } });
  await peer.send({ jsonrpc: '2.0', id: 100, method: 'tools/call', params: { name: 'die', arguments: { signal: 11 } } });
  assert.equal(await peer.ended, 128 + 11);
  const ids = peer.messages().map((m) => m.id);
  assert.deepEqual(ids.sort((a, b) => a - b), Array.from({ length: 101 }, (_, i) => i));
  assert.ok(peer.messages().every((m) => m.error.code === -32603));
});

test('an edited policy comes into force by itself, one with errors does not', async (t) => {
  const folder = scratch(t);
  const command = gated(folder, { default: 'allow' }, everything);
  const peer = new RawPeer(t, command);
  await peer.initialize();
  assert.ok(!(await peer.call(1, 'echo', { message: 'x' })).result.isError);

  writeFileSync(join(folder, 'policy.json'), '{"version":"1","default":"allow","hide":["echo"]}');
  await peer.until(() => peer.stderr.includes('revision 2') || undefined, 'a reload');
  assert.equal((await peer.call(2, 'echo', { message: 'x' })).error.code, -32602);
  const { tools } = (await peer.request(3, 'tools/list')).result;
  assert.ok(tools.length > 0 && !tools.some((tool) => tool.name === 'echo'));

  writeFileSync(join(folder, 'policy.json'), '{"version":"1","default":"allow","hyde":[]}');
  await peer.until(() => peer.stderr.includes('stay in force') || undefined, 'a complaint');
  assert.match(peer.stderr, /policy\.json:1:34: error: unknown key "hyde"; did you mean "hide"\?/);
  assert.equal((await peer.call(4, 'echo', { message: 'x' })).error.code, -32602);
  assert.equal(await peer.close(), 0);
});

test('a slot in flight is held until the answer, and given back when the server is gone', async (t) => {
  const policy = { default: 'allow', tools: { hold: { limits: [{ counter: 'open', algorithm: 'inflight', max: 2 }] } } };
  const peer = new RawPeer(t, gated(scratch(t), policy, [upstream]));
  peer.call(1, 'hold', {}).catch(() => {});
  peer.call(2, 'hold', {}).catch(() => {});
  assert.equal(decisionOf((await peer.call(3, 'hold', {})).result).reason, 'limit_exceeded');
  await peer.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  assert.equal(decisionOf((await peer.call(4, 'hold', {})).result).reason, 'limit_exceeded', 'cancelling frees nothing yet');
  assert.ok((await peer.call(5, 'echo', {})).result);
  assert.equal(await peer.close(), 0);
});
