// What the suites share: programs under test, scratch folders, and a peer that speaks raw lines.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run the suites through ctest, or see run.sh`);
  return value;
}

export const callwarden = need('CALLWARDEN');
export const upstream = need('MCP_UPSTREAM');
export const runCodeServer = need('RUN_CODE_SERVER');
export const sourceDir = need('SOURCE_DIR');

/** The folder that run.sh has installed the packages into, and copied the suites to. */
export const here = dirname(fileURLToPath(import.meta.url));
export const node = process.execPath;
const official = join(here, 'node_modules', '@modelcontextprotocol');
export const everything = [node, join(official, 'server-everything', 'dist', 'index.js'), 'stdio'];
export const filesystem = (folder) => [node, join(official, 'server-filesystem', 'dist', 'index.js'), folder];
/** It keeps its graph in `file`; env(1) sets what it reads, since clients pass few variables on. */
export const memory = (file) => ['env', `MEMORY_FILE_PATH=${file}`, node, join(official, 'server-memory', 'dist', 'index.js')];
export const modern = [node, join(here, 'modern_server.mjs')];
export const inspector = join(official, 'inspector', 'clients', 'launcher', 'build', 'index.js');
export const conformance = join(official, 'conformance', 'dist', 'index.js');
export const supergateway = join(here, 'node_modules', 'supergateway', 'dist', 'index.js');
/** A server behind a recorder of every byte that reaches it. */
export const recorded = (log, server) => [node, join(here, 'recorder.mjs'), log, ...server];

/** A folder that is removed when the test ends. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), 'callwarden-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The command line of a server behind the proxy, under a policy given as a value. */
export function gated(folder, policy, server, flags = []) {
  const file = join(folder, 'policy.json');
  writeFileSync(file, JSON.stringify({ version: '1', ...policy }));
  return [callwarden, 'proxy', '--policy', file, ...flags, '--', ...server];
}

export const decisionOf = (result) => result._meta?.['dev.callwarden/decision'];
export const read = (file) => readFileSync(file, 'utf8');

/**
 * Waits until UTC has at least `seconds` left of its minute, so that calls that follow fall into one window. A
 * test that takes longer than that is repeated by nobody: its limits are counted by the day where that matters.
 */
export async function roomInMinute(seconds) {
  const left = 60 - (Date.now() / 1000) % 60;
  if (left < seconds) await new Promise((done) => setTimeout(done, left * 1000 + 50));
}

/** A program that is spoken to in lines. */
export class RawPeer {
  constructor(t, [program, ...args]) {
    this.lines = [];
    this.stderr = '';
    this.waiting = new Set();
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stderr.on('data', (chunk) => {
      this.stderr += chunk;
      this.look();
    });
    const chunks = [];
    this.process.stdout.on('data', (chunk) => {
      let begin = 0;
      for (let end; (end = chunk.indexOf(10, begin)) >= 0; begin = end + 1) {
        this.lines.push(Buffer.concat([...chunks.splice(0), chunk.subarray(begin, end)]));
      }
      if (begin < chunk.length) chunks.push(chunk.subarray(begin));
      this.look();
    });
    this.process.stdin.on('error', () => {}); // it may end before it has read everything
    this.ended = new Promise((done) =>
      this.process.on('close', (code, signal) => {
        this.exit = signal ?? code;
        this.look();
        done(this.exit);
      }),
    );
    t.after(() => this.process.kill('SIGKILL'));
  }

  look() {
    for (const wait of this.waiting) wait();
  }

  /** Writes a line as it is: a string, bytes, or a value that is printed. Resolves when it has been taken. */
  send(line) {
    const bytes = typeof line === 'string' || Buffer.isBuffer(line) ? Buffer.from(line) : Buffer.from(JSON.stringify(line));
    return new Promise((done) => this.process.stdin.write(Buffer.concat([bytes, Buffer.from('\n')]), done));
  }

  /** Waits until `find` gives something other than undefined. Fails when the program has ended before. */
  until(find, what) {
    return new Promise((done, fail) => {
      const look = () => {
        const found = find();
        if (found !== undefined) {
          this.waiting.delete(look);
          done(found);
        } else if (this.exit !== undefined) {
          this.waiting.delete(look);
          fail(new Error(`ended with ${this.exit} without ${what}; stderr: ${this.stderr}`));
        }
      };
      this.waiting.add(look);
      look();
    });
  }

  messages() {
    return this.lines.map((line) => JSON.parse(line));
  }
  /** The message with this id. */
  reply(id) {
    return this.until(() => this.messages().find((m) => m.id === id && !('method' in m)), `a reply to ${id}`);
  }
  async request(id, method, params) {
    await this.send({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    return this.reply(id);
  }
  call(id, name, args) {
    return this.request(id, 'tools/call', { name, arguments: args });
  }
  async initialize(capabilities = {}, protocolVersion = '2025-11-25') {
    const answer = await this.request('init', 'initialize', {
      protocolVersion,
      capabilities,
      clientInfo: { name: 'raw', version: '1' },
    });
    await this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }
  /** Ends its input and waits for it. */
  async close() {
    this.process.stdin.end();
    return this.ended;
  }
}
