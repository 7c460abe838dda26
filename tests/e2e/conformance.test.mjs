// The conformance suite's server scenarios, all that it has, over bridges from HTTP to stdio: with the proxy in between
// each check must end as it does without. Many fail without it: they want tools that only the suite's own example server
// has, which is not published, or test what the bridge does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { RawPeer, conformance, everything, gated, modern, node, read, scratch, supergateway } from './harness.mjs';

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

/** A bridge for the revision without sessions: each POST is one message, on a line under an id of its own. */
async function statelessBridge(t, [program, ...args]) {
  const peer = new RawPeer(t, [program, ...args]);
  // The first message tells the server for good which era it is in.
  await peer.request(0, 'tools/list', {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bridge', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  });
  let count = 0;
  const server = createHttpServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    let message;
    try {
      message = JSON.parse(body);
    } catch {
      return response.writeHead(400).end();
    }
    if (message.id === undefined) {
      await peer.send(message);
      return response.writeHead(202).end();
    }
    const id = ++count;
    await peer.send({ ...message, id });
    const answer = await peer.reply(id).catch(() => undefined);
    if (answer === undefined) return response.writeHead(502).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...answer, id: message.id }));
  });
  t.after(() => server.close().closeAllConnections());
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${server.address().port}/mcp`;
}

/** How each check of each scenario ended, without times and texts, which hold ports and ids. */
function outcomes(url, folder, revision) {
  mkdirSync(folder);
  return new Promise((done) => {
    const child = spawn(node, [conformance, 'server', '--url', url, '--suite', 'all', '--timeout', '20000', '-o', folder,
      '--spec-version', revision],
      { stdio: 'ignore' });
    child.on('close', () => {
      const scenarios = {};
      for (const entry of readdirSync(folder)) {
        const [, scenario] = entry.match(/^server-(.*)-\d{4}-\d{2}-\d{2}T[-0-9]+Z$/);
        const file = join(folder, entry, 'checks.json'); // a scenario that gives up writes none
        scenarios[scenario] = existsSync(file) ? JSON.parse(read(file)).map(({ id, status }) => `${id}: ${status}`) : [];
      }
      done(scenarios);
    });
  });
}

// In both revisions together this is every scenario that the suite has for servers, but for its extensions (tasks, skills),
// which no server here has. Which ones the servers themselves pass is no matter here; that some do shows that the bridges work.
const cases = [
  { revision: '2025-11-25', server: everything, connect: bridge, scenarios: 29,
    passed: ['server-initialize', 'ping', 'tools-list', 'tools-call-simple-text', 'tools-call-error', 'prompts-list', 'resources-list'] },
  { revision: '2026-07-28', server: modern, connect: statelessBridge, scenarios: 35, passed: ['tools-list'] },
];
for (const { revision, server, connect, scenarios, passed } of cases) {
  test(`server scenarios of ${revision} end with the proxy as they do without`, async (t) => {
    const folder = scratch(t);
    const of = async (name, command) => outcomes(await connect(t, command), join(folder, name), revision);
    const [plain, through] = await Promise.all([of('plain', server), of('gated', gated(folder, { default: 'allow' }, server))]);
    assert.deepEqual(through, plain);
    assert.ok(Object.keys(plain).length >= scenarios, `${Object.keys(plain).length} scenarios: ${Object.keys(plain).join()}`);
    const good = Object.keys(plain).filter((name) => plain[name].length > 0 && !plain[name].some((check) => check.endsWith('FAILURE')));
    for (const name of passed) assert.ok(good.includes(name), `${name} passes; passed: ${good.join()}`);
  });
}
