// Scenarios that every client must see alike: SDK 1.x and 2.x, in the legacy and the modern era.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { decisionOf, everything, filesystem, gated, modern, read, recorded, scratch } from './harness.mjs';
import { clients } from './sdk_clients.mjs';

const policy = {
  default: 'allow',
  hide: ['get-env'],
  tools: {
    'get-sum': {
      deny_if: [{ name: 'large', conditions: [{ path: 'args.a', op: 'gt', value: 100 }], on_deny: 'Sums up to 100 only' }],
      limits: [{ counter: 'sums', window: 'day', max: 3 }],
    },
    'get-tiny-image': { action: 'require_approval', reason: 'An image, really?' },
  },
};

for (const { name, connect, call, modern: isModern } of clients) {
  const server = isModern ? modern : everything;

  test(`${name}: lists, calls, denies, limits and hides`, async (t) => {
    const folder = scratch(t);
    const log = join(folder, 'log');
    const peer = await connect(t, gated(folder, policy, recorded(log, server)));

    const { tools } = await peer.client.listTools();
    const names = tools.map((tool) => tool.name);
    assert.ok(names.includes('echo') && names.includes('get-sum'), names.join());
    assert.ok(!names.includes('get-env'), 'hidden tools are on no list');

    const echo = await call(peer, 'echo', { message: 'grüße' });
    assert.equal(echo.content[0].text, 'Echo: grüße');
    assert.ok(!echo.isError);

    const denied = await call(peer, 'get-sum', { a: 101, b: 1 });
    assert.equal(denied.isError, true);
    assert.equal(denied.content[0].text, 'Denied by policy: Sums up to 100 only. Do not retry with the same arguments.');
    assert.deepEqual(decisionOf(denied), {
      decision: 'deny',
      reason: 'denied_by_rule',
      rule: '/tools/get-sum/deny_if/large',
      message: 'Sums up to 100 only',
    });

    for (let i = 1; i <= 3; ++i) {
      const sum = await call(peer, 'get-sum', { a: i, b: 1 });
      assert.equal(sum.content[0].text, `The sum of ${i} and 1 is ${i + 1}.`);
    }
    const limited = await call(peer, 'get-sum', { a: 1, b: 1 });
    assert.equal(limited.isError, true);
    assert.equal(decisionOf(limited).decision, 'rate_limited');
    assert.equal(decisionOf(limited).rule, '/tools/get-sum/limits/sums');
    assert.ok(decisionOf(limited).retryAfterMs >= 1 && decisionOf(limited).retryAfterMs <= 86400000);
    assert.match(limited.content[0].text, /^Rate limited by policy: .*[0-9]+ s/);

    await assert.rejects(call(peer, 'get-env', {}), (error) => {
      assert.equal(error.code, -32602);
      assert.match(error.message, /Unknown tool: get-env/);
      return true;
    });

    const seen = read(log);
    assert.ok(seen.includes('grüße'));
    assert.equal(seen.match(/"get-sum"/g).length, 3, 'the server sees admitted calls alone');
    assert.ok(!seen.includes('get-env'));
  });

  test(`${name}: an approval is asked of the user`, async (t) => {
    const folder = scratch(t);
    const log = join(folder, 'log');
    const asked = [];
    const answers = [
      { action: 'accept', content: { approve: true } },
      { action: 'decline' },
      { action: 'accept', content: { approve: false } },
      { action: 'cancel' },
    ];
    const peer = await connect(t, gated(folder, policy, recorded(log, server)), {
      elicit: async (request) => {
        asked.push(request.params.message);
        return answers[asked.length - 1];
      },
    });
    const calls = () => (read(log).match(/"get-tiny-image"/g) ?? []).length;

    const accepted = await call(peer, 'get-tiny-image', {});
    assert.ok(!accepted.isError, JSON.stringify(accepted));
    assert.equal(calls(), 1);
    assert.match(asked[0], /get-tiny-image|An image, really/);

    for (let i = 1; i < answers.length; ++i) {
      const refused = await call(peer, 'get-tiny-image', {});
      assert.equal(refused.isError, true);
      assert.equal(decisionOf(refused).reason, 'approval_declined');
      assert.equal(asked.length, i + 1, 'each answer is for one call');
    }
    assert.equal(calls(), 1, 'what was declined never reached the server');
  });

  test(`${name}: without a user to ask, nothing that needs one runs`, async (t) => {
    const folder = scratch(t);
    const log = join(folder, 'log');
    const peer = await connect(t, gated(folder, policy, recorded(log, server)));
    const refused = await call(peer, 'get-tiny-image', {});
    assert.equal(refused.isError, true);
    assert.equal(decisionOf(refused).decision, 'approval_required');
    assert.match(decisionOf(refused).approvalId, /^[A-Za-z0-9_-]{1,32}$/);
    assert.ok(!read(log).includes('get-tiny-image'));
  });

  test(`${name}: 1,000 concurrent calls, each with its own answer`, async (t) => {
    const peer = await connect(t, gated(scratch(t), policy, server));
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => call(peer, 'echo', { message: `number ${i}` })),
    );
    results.forEach((result, i) => assert.equal(result.content[0].text, `Echo: number ${i}`));
  });
}

for (const { name, connect, call, modern: isModern } of clients) {
  if (isModern) continue; // server-filesystem speaks the legacy era
  test(`${name}: server-filesystem behind rules on paths`, async (t) => {
    const folder = scratch(t);
    const shared = join(folder, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'a.txt'), 'contents of a');
    const log = join(folder, 'log');
    const under = { conditions: [{ path: 'args.path', op: 'starts_with', value: `${shared}/` }] };
    const files = {
      default: 'deny',
      hide: ['move_file', 'edit_file'],
      tools: {
        'read_*': { require: [under] },
        list_directory: {},
        write_file: { require: [under], limits: [{ counter: 'writes', window: 'day', max: 1, refund: 'on_error' }] },
        create_directory: { limits: [{ counter: 'folders', window: 'day', max: 1 }] },
      },
    };
    const peer = await connect(t, gated(folder, files, recorded(log, filesystem(shared))));
    const { tools } = await peer.client.listTools();
    const names = tools.map((tool) => tool.name);
    assert.ok(names.includes('read_text_file') && !names.includes('move_file') && !names.includes('edit_file'));
    assert.ok(tools.find((tool) => tool.name === 'read_text_file').annotations.readOnlyHint, 'tools keep what they say');

    // This tool has an outputSchema, which refusals must not trip over.
    const content = await call(peer, 'read_text_file', { path: join(shared, 'a.txt') });
    assert.equal(content.content[0].text, 'contents of a');
    const outside = await call(peer, 'read_text_file', { path: '/etc/passwd' });
    assert.equal(decisionOf(outside).reason, 'requirement_failed');
    assert.ok(!read(log).includes('/etc/passwd'));
    const unlisted = await call(peer, 'directory_tree', { path: shared });
    assert.equal(decisionOf(unlisted).reason, 'not_listed');

    // A failure gives its charge back exactly where the limit says so.
    for (let i = 0; i < 3; ++i) {
      const failed = await call(peer, 'write_file', { path: join(shared, 'missing', 'x.txt'), content: 'x' });
      assert.equal(failed.isError, true);
      assert.equal(decisionOf(failed), undefined, 'the failure is the server\'s');
    }
    assert.ok(!(await call(peer, 'write_file', { path: join(shared, 'b.txt'), content: 'b' })).isError);
    assert.equal(decisionOf(await call(peer, 'write_file', { path: join(shared, 'c.txt'), content: 'c' })).decision, 'rate_limited');
    assert.equal(read(join(shared, 'b.txt')), 'b');
    assert.equal((await call(peer, 'create_directory', { path: '/outside' })).isError, true);
    assert.equal(decisionOf(await call(peer, 'create_directory', { path: join(shared, 'd') })).decision, 'rate_limited');
  });
}

test('SDK 2.x that probes for the modern era finds a legacy server through the proxy', async (t) => {
  const { Client } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const [command, ...args] = gated(scratch(t), policy, everything);
  const client = new Client({ name: 'auto', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  t.after(() => client.close());
  await client.connect(new StdioClientTransport({ command, args, stderr: 'ignore' }));
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hi' } });
  assert.equal(result.content[0].text, 'Echo: hi');
});
