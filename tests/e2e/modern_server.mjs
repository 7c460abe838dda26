// A server on the TypeScript SDK 2.x, which speaks both eras: the modern one without `initialize`, too.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

serveStdio(() => {
  const server = new McpServer({ name: 'modern', version: '1' }, { capabilities: { tools: {} } });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  server.registerTool('echo', { description: 'Echoes', inputSchema: z.object({ message: z.string() }) },
    async ({ message }) => text(`Echo: ${message}`));
  server.registerTool('get-sum', { description: 'Adds', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    async ({ a, b }) => text(`The sum of ${a} and ${b} is ${a + b}.`));
  server.registerTool('get-env', { description: 'The environment' }, async () => text(JSON.stringify(process.env)));
  server.registerTool('get-tiny-image', { description: 'An image' }, async () => text('an image'));
  server.registerTool('always-fails', { description: 'Fails' }, async () => ({ ...text('failed'), isError: true }));
  return server;
});
