// scripted_server.mjs ANSWERS: answers each request with the line that ANSWERS, a JSON object, has for its id.
import { readFileSync } from 'node:fs';

const answers = JSON.parse(readFileSync(process.argv[2], 'utf8'));
let rest = Buffer.alloc(0); // node:readline would split at U+2028 as well
process.stdin.on('data', (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  let begin = 0;
  for (let end; (end = rest.indexOf(10, begin)) >= 0; begin = end + 1) {
    const { id } = JSON.parse(rest.subarray(begin, end).toString());
    if (id !== undefined) process.stdout.write(`${answers[id]}\n`);
  }
  rest = rest.subarray(begin);
});
