// The example server, which asks callwarden itself, with real clients.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { decisionOf, gated, roomInMinute, runCodeServer, scratch, sourceDir } from './harness.mjs';
import { clients } from './sdk_clients.mjs';

const args = { file_uuid: 'f', method_uuid: 'm' };
const policyFile = join(sourceDir, 'examples', 'run_code_server', 'policy.json');

for (const { name, connect, call, modern } of clients) {
  if (modern) continue; // the example speaks the legacy era
  test(`${name}: run_code_server limits, denies and hides`, async (t) => {
    const folder = scratch(t);
    await roomInMinute(20);
    const peer = await connect(t, [runCodeServer, policyFile]);
    const { tools } = await peer.client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), ['run_code']);
    for (let i = 0; i < 10; ++i) {
      const result = await call(peer, 'run_code', args);
      assert.equal(result.content[0].text, 'Ran method m of file f: exit status 0');
    }
    const limited = await call(peer, 'run_code', args);
    assert.equal(decisionOf(limited).decision, 'rate_limited');
    assert.equal(decisionOf(limited).rule, '/tools/run_code/limits/run_code_rate');
    assert.ok(decisionOf(limited).retryAfterMs >= 1 && decisionOf(limited).retryAfterMs <= 60000);
    assert.equal(decisionOf(await call(peer, 'rm', {})).reason, 'not_listed');

    const hidden = join(folder, 'hidden.json');
    writeFileSync(hidden, '{"version":"1","default":"allow","hide":["run_code"]}');
    const other = await connect(t, [runCodeServer, hidden]);
    assert.deepEqual((await other.client.listTools()).tools, []);
    await assert.rejects(call(other, 'run_code', args), (error) => error.code === -32602);
  });

  test(`${name}: 1,000 concurrent calls of run_code_server, through the proxy as well`, async (t) => {
    const folder = scratch(t);
    const open = join(folder, 'open.json');
    writeFileSync(open, '{"version":"1","default":"allow"}');
    for (const command of [[runCodeServer, open], gated(folder, { default: 'allow' }, [runCodeServer, open])]) {
      const peer = await connect(t, command);
      const results = await Promise.all(
        Array.from({ length: 1000 }, (_, i) => call(peer, 'run_code', { file_uuid: `f${i}`, method_uuid: `m${i}` })),
      );
      results.forEach((result, i) => assert.equal(result.content[0].text, `Ran method m${i} of file f${i}: exit status 0`));
    }
  });
}
