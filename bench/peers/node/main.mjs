// The peer that is an npm package: casbin. compare.py tells what a program of peers reads and prints. Started with
// --expose-gc.
import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {newEnforcer, newModelFromString} from 'casbin';

const folder = process.argv[2];
const calls = JSON.parse(readFileSync(`${folder}/calls.json`, 'utf8'));
const timed = {...calls.timed, allowed: true};

function expect(right, what) {
  if (right) return;
  console.error(`wrong answer: ${what}`);
  process.exit(2);
}

const enforcer = await newEnforcer(newModelFromString(readFileSync(`${folder}/policies/casbin_node.conf`, 'utf8')));
enforcer.addFunction('isNumber', (value) => typeof value === 'number');  // null <= 50000 holds in JavaScript
await enforcer.addPolicy('charge');

function decide(tool, value) {
  try {
    return enforcer.enforceSync(tool, value);
  } catch {
    return false;  // an argument that a function cannot take
  }
}

for (const call of [...calls.checked, timed]) {
  expect(decide(call.tool, JSON.parse(call.arguments)) === call.allowed, `casbin: ${call.tool} ${call.arguments}`);
}
const prepared = JSON.parse(timed.arguments);
const subjects = [
  {workload: 'charge_text', decide: () => decide(timed.tool, JSON.parse(timed.arguments))},
  {workload: 'charge_prepared', decide: () => decide(timed.tool, prepared)},
];

function processorUs() {
  const usage = process.cpuUsage();
  return usage.user + usage.system;
}

// V8 tells of no allocations.
function measure(subject, decisions, times) {
  let right = true;
  for (let i = 0; i < decisions / 10; ++i) right = subject.decide() && right;
  globalThis.gc();  // what others left behind is not this one's
  const begin = processorUs();
  for (let i = 0; i < decisions; ++i) right = subject.decide() && right;
  const tookUs = processorUs() - begin;
  const each = new Float64Array(times);
  for (let i = 0; i < times; ++i) {
    const start = process.hrtime.bigint();
    const answer = subject.decide();
    each[i] = Number(process.hrtime.bigint() - start);
    right = answer && right;
  }
  expect(right, 'while it was timed');
  each.sort();
  return {
    ns: tookUs * 1000 / decisions,
    p50_ns: each[Math.floor(times / 2)],
    p99_ns: each[Math.floor(times * 99 / 100)],
    allocations: null,
  };
}

console.log(JSON.stringify(
    subjects.map(({workload}) => ({workload, package: 'casbin', form: 'enforceSync'}))));
for await (const line of createInterface({input: process.stdin})) {
  const [index, decisions, times] = line.split(' ').map(Number);
  console.log(JSON.stringify(measure(subjects[index], decisions, times)));
}
