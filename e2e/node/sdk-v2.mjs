// The TypeScript SDK, version 2, which speaks the newest protocol that the server knows.

export {
  auth,
  Client,
  discoverAuthorizationServerMetadata,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';

export const options = { versionNegotiation: { mode: 'auto' } };
export const finishAuth = (transport, params) => transport.finishAuth(params); // checks iss (RFC 9207)
export const protocolVersion = (client) => client.getNegotiatedProtocolVersion();
export const callTool = (client, params, options) => client.callTool(params, options);
