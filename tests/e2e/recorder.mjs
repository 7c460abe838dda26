// recorder.mjs LOG COMMAND ARGS...: runs a server and appends every byte of its input to LOG before it gets it.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';

const [log, program, ...args] = process.argv.slice(2);
closeSync(openSync(log, 'a'));
const server = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'] });
process.stdin.on('data', (chunk) => {
  appendFileSync(log, chunk);
  server.stdin.write(chunk);
});
process.stdin.on('end', () => server.stdin.end());
server.stdin.on('error', () => {});
server.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code);
});
