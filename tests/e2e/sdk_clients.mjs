// The TypeScript SDKs as one kind of client each, so that one scenario runs with all of them.
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';

const info = { name: 'callwarden-e2e', version: '1' };

/** `elicit` answers elicitations; without it the client does not declare that it can. */
async function connect(t, Client, Stdio, [command, ...args], { elicit, options, register }) {
  const client = new Client(info, { capabilities: elicit ? { elicitation: {} } : {}, ...options });
  if (elicit) register(client, elicit);
  const transport = new Stdio({ command, args, stderr: 'ignore' });
  t.after(() => client.close());
  await client.connect(transport);
  return { client, transport };
}

const modernOnly = { versionNegotiation: { mode: { pin: '2026-07-28' } } };
const register2 = (client, elicit) => client.setRequestHandler('elicitation/create', elicit);

export const clients = [
  {
    name: 'SDK 1.x',
    modern: false,
    connect: (t, command, { elicit } = {}) =>
      connect(t, Client1, Stdio1, command, {
        elicit,
        register: (client, answer) => client.setRequestHandler(ElicitRequestSchema, answer),
      }),
    call: ({ client }, name, args) => client.callTool({ name, arguments: args }, undefined, { timeout: 60000 }),
  },
  {
    name: 'SDK 2.x, legacy era',
    modern: false,
    connect: (t, command, { elicit } = {}) => connect(t, Client2, Stdio2, command, { elicit, register: register2 }),
    call: ({ client }, name, args) => client.callTool({ name, arguments: args }, { timeout: 60000 }),
  },
  {
    name: 'SDK 2.x, modern era',
    modern: true,
    connect: (t, command, { elicit } = {}) =>
      connect(t, Client2, Stdio2, command, { elicit, options: modernOnly, register: register2 }),
    call: ({ client }, name, args) => client.callTool({ name, arguments: args }, { timeout: 60000 }),
  },
];
