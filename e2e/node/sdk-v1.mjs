// The TypeScript SDK, version 1.

export { auth, discoverAuthorizationServerMetadata, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
export { Client } from '@modelcontextprotocol/sdk/client/index.js';
export { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export const options = {};
export const finishAuth = (transport, params) => transport.finishAuth(params.get('code'));
export const protocolVersion = (client) => client.transport.protocolVersion;
export const callTool = (client, params, options) => client.callTool(params, undefined, options);
