// The example server, which asks callwarden itself, with real clients.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { callwarden, decisionOf, gated, read, roomInMinute, runCodeServer, scratch, sourceDir } from './harness.mjs';
import { clients } from './sdk_clients.mjs';

const args = { file_uuid: 'f', method_uuid: 'm' };
const policyFile = join(sourceDir, 'examples', 'run_code_server', 'policy.json');
const approvalsPolicy = join(sourceDir, 'examples', 'run_code_server', 'approvals.json');

/** The server under a policy given as a value. */
function serving(folder, policy, flags = []) {
  const file = join(folder, 'policy.json');
  writeFileSync(file, JSON.stringify({ version: '1', ...policy }));
  return [runCodeServer, ...flags, file];
}
const namesOf = async (peer) => (await peer.client.listTools()).tools.map((tool) => tool.name);
const unknown = (name) => (error) => {
  assert.equal(error.code, -32602);
  assert.match(error.message, new RegExp(`Unknown tool: ${name}`));
  return true;
};

for (const { name, connect, call } of clients) {
  test(`${name}: run_code_server lists, calls, limits, denies and hides`, async (t) => {
    const folder = scratch(t);
    await roomInMinute(20);
    const peer = await connect(t, [runCodeServer, policyFile]);
    assert.deepEqual(await namesOf(peer), ['run_code'], 'what the policy does not list is not there');
    for (let i = 0; i < 10; ++i) {
      const result = await call(peer, 'run_code', args);
      assert.equal(result.content[0].text, 'Ran method m of file f: exit status 0');
    }
    const limited = await call(peer, 'run_code', args);
    assert.equal(limited.isError, true);
    assert.equal(decisionOf(limited).decision, 'rate_limited');
    assert.equal(decisionOf(limited).rule, '/tools/run_code/limits/run_code_rate');
    assert.ok(decisionOf(limited).retryAfterMs >= 1 && decisionOf(limited).retryAfterMs <= 60000);
    assert.match(limited.content[0].text, /^Rate limited by policy: .*[0-9]+ s/);
    await assert.rejects(call(peer, 'delete_file', { file_uuid: 'f' }), unknown('delete_file'));
    await assert.rejects(call(peer, 'rm', {}), unknown('rm'));

    const other = await connect(t, serving(folder, {
      default: 'allow',
      hide: ['delete_file'],
      tools: { run_code: { deny_if: [{ name: 'main', conditions: [{ path: 'args.method_uuid', op: 'eq', value: 'main' }], on_deny: 'Not main' }] } },
    }));
    assert.deepEqual(await namesOf(other), ['run_code']);
    await assert.rejects(call(other, 'delete_file', { file_uuid: 'f' }), unknown('delete_file'));
    const denied = await call(other, 'run_code', { file_uuid: 'f', method_uuid: 'main' });
    assert.equal(denied.isError, true);
    assert.deepEqual(decisionOf(denied), {
      decision: 'deny', reason: 'denied_by_rule', rule: '/tools/run_code/deny_if/main', message: 'Not main',
    });
  });

  test(`${name}: run_code_server asks its client's user, or nobody`, async (t) => {
    const asked = [];
    const answers = [{ action: 'accept', content: { approve: true } }, { action: 'decline' }, { action: 'accept', content: { approve: false } }];
    const peer = await connect(t, [runCodeServer, approvalsPolicy], {
      elicit: async (request) => {
        asked.push(request.params.message);
        return answers[asked.length - 1];
      },
    });
    assert.deepEqual(await namesOf(peer), ['run_code', 'delete_file']);
    const deleted = await call(peer, 'delete_file', { file_uuid: 'f' });
    assert.equal(deleted.content[0].text, 'Deleted file f');
    assert.match(asked[0], /A person confirms deletions/);
    for (let i = 1; i < answers.length; ++i) {
      const refused = await call(peer, 'delete_file', { file_uuid: 'f' });
      assert.equal(decisionOf(refused).reason, 'approval_declined');
      assert.equal(asked.length, i + 1, 'each answer is for one call');
    }

    // Nobody to ask: a person approves elsewhere, and exactly that call then runs, once. The log has all of it.
    const folder = scratch(t);
    const file = join(folder, 'approvals.jsonl');
    const quiet = await connect(t, [runCodeServer, '--approvals', file, '--audit', join(folder, 'audit'), approvalsPolicy]);
    const waits = decisionOf(await call(quiet, 'delete_file', { file_uuid: 'f' }));
    assert.equal(waits.decision, 'approval_required');
    const approve = spawnSync(callwarden, ['approvals', 'approve', '--file', file, waits.approvalId, '--who', 'ada'], { encoding: 'utf8' });
    assert.equal(approve.status, 0, approve.stderr);
    assert.equal(decisionOf(await call(quiet, 'delete_file', { file_uuid: 'g' })).decision, 'approval_required');
    assert.equal((await call(quiet, 'delete_file', { file_uuid: 'f' })).content[0].text, 'Deleted file f');
    assert.equal(decisionOf(await call(quiet, 'delete_file', { file_uuid: 'f' })).decision, 'approval_required');
    await quiet.client.close();
    const logs = () => readdirSync(folder).filter((entry) => entry.startsWith('audit-')).map((entry) => read(join(folder, entry))).join('');
    while ((logs().match(/"effect":"/g) ?? []).length < 4) await new Promise((done) => setTimeout(done, 20)); // its last lines
    assert.equal(logs().match(/"effect":"require_approval"/g).length, 3);
    assert.equal(logs().match(/"effect":"allow"/g).length, 1);
  });

  test(`${name}: run_code_server gives failures back exactly where the limit says so`, async (t) => {
    const limit = (refund) => ({ counter: 'runs', window: 'day', max: 1, ...refund });
    const kept = await connect(t, serving(scratch(t), { default: 'deny', tools: { run_code: { limits: [limit({})] } } }));
    assert.equal((await call(kept, 'run_code', {})).content[0].text, 'run_code needs file_uuid and method_uuid');
    assert.equal(decisionOf(await call(kept, 'run_code', args)).decision, 'rate_limited');
    const returned = await connect(t, serving(scratch(t), { default: 'deny', tools: { run_code: { limits: [limit({ refund: 'on_error' })] } } }));
    for (let i = 0; i < 3; ++i) assert.equal((await call(returned, 'run_code', {})).isError, true);
    assert.ok(!(await call(returned, 'run_code', args)).isError);
    assert.equal(decisionOf(await call(returned, 'run_code', args)).decision, 'rate_limited');
  });

  test(`${name}: 1,000 concurrent calls of run_code_server, through the proxy as well`, async (t) => {
    const folder = scratch(t);
    const open = serving(folder, { default: 'allow' });
    for (const command of [open, gated(scratch(t), { default: 'allow' }, open)]) {
      const peer = await connect(t, command);
      const results = await Promise.all(
        Array.from({ length: 1000 }, (_, i) => call(peer, 'run_code', { file_uuid: `f${i}`, method_uuid: `m${i}` })),
      );
      results.forEach((result, i) => assert.equal(result.content[0].text, `Ran method m${i} of file f${i}: exit status 0`));
    }
  });
}
