// The MCP Inspector's command line through the proxy; its exit codes are 0 for a result, 5 for a tool's error or a
// tool that is not listed, 1 for anything else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { everything, gated, inspector, node, read, recorded, scratch } from './harness.mjs';

const policy = {
  default: 'allow',
  hide: ['get-env'],
  tools: { 'get-sum': { deny_if: [{ name: 'large', conditions: [{ path: 'args.a', op: 'gt', value: 100 }] }] } },
};

function inspect(command, ...options) {
  const run = spawnSync(node, [inspector, '--cli', '-q', ...options, '--', ...command], { encoding: 'utf8', timeout: 60000 });
  return { status: run.status, output: run.stdout, json: () => JSON.parse(run.stdout), all: run.stdout + run.stderr };
}
const call = (name, args) => ['--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args)];

test('the Inspector lists and calls', (t) => {
  const folder = scratch(t);
  const log = join(folder, 'log');
  const command = gated(folder, policy, recorded(log, everything));

  const list = inspect(command, '--method', 'tools/list');
  assert.equal(list.status, 0, list.all);
  const names = list.json().tools.map((tool) => tool.name);
  assert.ok(names.includes('echo') && !names.includes('get-env'), names.join());

  const echo = inspect(command, ...call('echo', { message: 'hi' }));
  assert.equal(echo.status, 0, echo.all);
  assert.equal(echo.json().content[0].text, 'Echo: hi');

  const denied = inspect(command, ...call('get-sum', { a: 101, b: 1 }));
  assert.equal(denied.status, 5, denied.all);
  assert.match(denied.all, /denied_by_rule/);

  const hidden = inspect(command, ...call('get-env', {}));
  assert.equal(hidden.status, 5, hidden.all);
  assert.ok(!read(log).includes('get-sum') && !read(log).includes('get-env'));
});
