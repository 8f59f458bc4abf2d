// An MCP server of the TypeScript SDK that knows nothing of authorization, as it runs behind the proxy:
//
//   node upstream.mjs
//
// It listens on loopback, and keeps sessions.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, isInitializeRequest, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { go, say } from './script.mjs';

const steps = 4;
const inputSchema = { type: 'object' };

const tools = {
  // whoami answers with what the server is told of its caller.
  whoami: async (_, { requestInfo: { headers } }) => ({
    structuredContent: { headers: Object.fromEntries(Object.entries(headers).filter(([name]) => /^mcpoauth-|^authorization$|^cookie$/.test(name))) },
  }),
  // count tells of each step, and takes the next one only when the test says that the client has heard.
  count: async ({ params: { _meta } }, { sendNotification }) => {
    for (let progress = 1; progress <= steps; progress++) {
      await sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress, total: steps } });
      await go();
    }
    return { structuredContent: { steps } };
  },
};

function newServer() {
  const server = new Server({ name: 'upstream', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: Object.keys(tools).map((name) => ({ name, inputSchema })) }));
  server.setRequestHandler(CallToolRequestSchema, async (request, extra) => ({ content: [], ...(await tools[request.params.name](request, extra)) }));
  return server;
}

const sessions = new Map();

async function newSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => say('closed', { known: sessions.delete(id) }),
  });
  await newServer().connect(transport);
  return transport;
}

async function read(req) {
  let text = '';
  for await (const part of req) text += part;
  return text && JSON.parse(text);
}

const http = createServer(async (req, res) => {
  const body = await read(req);
  const known = sessions.get(req.headers['mcp-session-id']);
  if (!known && !(req.method === 'POST' && isInitializeRequest(body))) {
    res.writeHead(404).end();
    return;
  }
  await (known ?? (await newSession())).handleRequest(req, res, body || undefined);
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
say('listening', { url: `http://127.0.0.1:${http.address().port}/api/mcp` });
