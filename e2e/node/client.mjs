// The TypeScript SDK's client, driven by the Go test: it writes one JSON object per line and waits for a
// line on standard input where the test has something to do.
//
//   node client.mjs http://localhost:8080/mcp

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { auth, discoverAuthorizationServerMetadata, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const serverUrl = new URL(process.argv[2]);
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const go = () => lines.next();

// The client's own listener, where the browser arrives with the code.
const callback = createServer();
callback.listen(0, '127.0.0.1');
await once(callback, 'listening');
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;
const arrival = new Promise((resolve) => {
  callback.on('request', (req, res) => {
    const url = new URL(req.url, redirectUrl);
    res.setHeader('Content-Type', 'text/html');
    res.end('<!doctype html><title>Connected</title><link rel="icon" href="data:,"><p>Connected');
    if (url.pathname === '/callback') resolve(url.searchParams);
  });
});

class Provider {
  redirectUrl = redirectUrl;
  clientMetadata = {
    client_name: 'TypeScript SDK',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  saved = {};
  state = () => 'state-of-the-typescript-client';
  clientInformation = () => this.saved.client;
  saveClientInformation = (client) => void (this.saved.client = client);
  tokens = () => this.saved.tokens;
  saveTokens = (tokens) => void (this.saved.tokens = tokens);
  codeVerifier = () => this.saved.verifier;
  saveCodeVerifier = (verifier) => void (this.saved.verifier = verifier);
  invalidateCredentials = (scope) => {
    if (scope === 'all' || scope === 'tokens') delete this.saved.tokens;
    if (scope === 'all' || scope === 'client') delete this.saved.client;
  };
  redirectToAuthorization = (url) => say('authorize', { url: url.href });
}

const provider = new Provider();
const transport = () => new StreamableHTTPClientTransport(serverUrl, { authProvider: provider });
const newClient = () => new Client({ name: 'typescript-e2e', version: '1.0.0' });

async function unauthorized(promise) {
  try {
    await promise;
    return false;
  } catch (err) {
    if (err instanceof UnauthorizedError) return true;
    throw err;
  }
}

try {
  const first = transport();
  if (!(await unauthorized(newClient().connect(first)))) throw new Error('the server let a client in without a token');
  const answer = await arrival;
  say('redirected', { iss: answer.get('iss'), state: answer.get('state') });
  await first.finishAuth(answer.get('code'));

  const client = newClient();
  await client.connect(transport());
  const { tools } = await client.listTools();
  say('listed', { tools: tools.map((tool) => tool.name) });
  const call = async (name, args = {}) => {
    const result = await client.callTool({ name, arguments: args });
    if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
    return result.structuredContent;
  };
  say('called', { note: await call('add_note', { text: 'from TypeScript' }), whoami: await call('whoami') });

  await go(); // the test restarts the server
  say('called-again', { notes: (await call('list_notes')).notes });

  const before = provider.saved.tokens;
  const outcome = await auth(provider, { serverUrl });
  const after = provider.saved.tokens;
  await call('whoami');
  say('refreshed', {
    outcome,
    rotated: before.refresh_token !== after.refresh_token && before.access_token !== after.access_token,
    scope: after.scope,
  });

  const metadata = await discoverAuthorizationServerMetadata(serverUrl.origin);
  const revoked = await fetch(metadata.revocation_endpoint, {
    method: 'POST',
    body: new URLSearchParams({ token: after.refresh_token, client_id: provider.saved.client.client_id }),
  });
  const probe = await fetch(serverUrl, {
    method: 'POST',
    headers: { Authorization: `Bearer ${after.access_token}`, 'Content-Type': 'application/json' },
    body: '{}',
  });
  say('revoked', {
    status: revoked.status,
    probe: probe.status,
    challenge: probe.headers.get('WWW-Authenticate'),
    unauthorized: await unauthorized(call('whoami')),
  });
} catch (err) {
  say('failed', { error: String(err?.stack ?? err) });
  process.exitCode = 1;
} finally {
  callback.close();
  callback.closeAllConnections();
  process.stdin.destroy();
}
process.exit();
