// The conformance suite's server scenarios, over a bridge from HTTP to stdio: with the proxy in between each must
// end as it does without.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { conformance, everything, gated, node, scratch, supergateway } from './harness.mjs';

const scenarios = [
  'server-initialize', 'ping', 'logging-set-level', 'completion-complete', 'tools-list', 'tools-call-simple-text',
  'tools-call-error', 'tools-call-image', 'resources-list', 'resources-read-text', 'prompts-list', 'prompts-get-simple',
];

function freePort() {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/** Starts the bridge in front of a command, and waits until it listens. */
async function bridge(t, command) {
  const port = await freePort();
  const process = spawn(node, [supergateway, '--stdio', command.map(quoted).join(' '), '--outputTransport', 'streamableHttp',
    '--stateful', '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  t.after(() => {
    try {
      globalThis.process.kill(-process.pid, 'SIGTERM'); // with the shell that it starts
    } catch {} // it has ended
  });
  await new Promise((done, fail) => {
    const look = (chunk) => {
      output += chunk;
      if (/listening/i.test(output)) done();
    };
    process.stdout.on('data', look);
    process.stderr.on('data', look);
    process.on('exit', (code) => fail(new Error(`the bridge ended with ${code}: ${output}`)));
  });
  return `http://127.0.0.1:${port}/mcp`;
}

/** Which checks passed: what the suite says, without times. */
function run(url, scenario, folder) {
  return new Promise((done) => {
    const child = spawn(node, [conformance, 'server', '--url', url, '--scenario', scenario, '--timeout', '20000', '-o', folder],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => {
      const summary = output.match(/Passed: .*/)?.[0];
      done({ scenario, code, summary });
    });
  });
}

test('server scenarios end with the proxy as they do without', async (t) => {
  const folder = scratch(t);
  const outcomes = async (name, command) => {
    const url = await bridge(t, command);
    const results = join(folder, name);
    mkdirSync(results);
    const list = [];
    for (const scenario of scenarios) list.push(await run(url, scenario, results));
    return list;
  };
  const [plain, through] = await Promise.all([
    outcomes('plain', everything),
    outcomes('gated', gated(folder, { default: 'allow', hide: ['get-env'] }, everything)),
  ]);
  assert.deepEqual(through, plain);
  for (const { scenario, summary } of plain) assert.ok(summary, `${scenario} told how it ended`);
  const passed = plain.filter(({ code }) => code === 0).map(({ scenario }) => scenario);
  assert.ok(passed.includes('tools-list') && passed.includes('ping'), `passed: ${passed.join()}`);
});
