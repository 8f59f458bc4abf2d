// A client that is made of oauth4webapi, which refuses whatever the specifications do not allow:
//
//   node strict.mjs http://localhost:8080/mcp

import * as oauth from 'oauth4webapi';
import { listenForCallback, run, say } from './script.mjs';

const resource = new URL(process.argv[2]);
const onLoopback = { [oauth.allowInsecureRequests]: true };
const authentications = {
  none: () => oauth.None(),
  client_secret_post: (client) => oauth.ClientSecretPost(client.client_secret),
  client_secret_basic: (client) => oauth.ClientSecretBasic(client.client_secret),
};

// refused returns the error with which the promise ends.
const refused = (promise) =>
  promise.then(
    () => Promise.reject(new Error('the server refused nothing')),
    (err) => err,
  );

const initialize = (token) =>
  oauth.protectedResourceRequest(
    token,
    'POST',
    resource,
    new Headers({ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }),
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'strict', version: '1.0.0' } },
    }),
    onLoopback,
  );

// challenge returns the one challenge to a token that is not, or no longer, good.
async function challenge(token) {
  const err = await refused(initialize(token));
  if (!(err instanceof oauth.WWWAuthenticateChallengeError)) throw err;
  const [only, ...more] = err.cause;
  if (err.status !== 401 || more.length || only.scheme !== 'bearer') throw err;
  return only.parameters;
}

async function discover() {
  const { error, resource_metadata } = await challenge('not-a-token');
  const described = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, onLoopback));
  const issuer = new URL(described.authorization_servers[0]);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback }));
  say('discovered', { error, resourceMetadata: resource_metadata, issuer: as.issuer });
  return { as, scope: described.scopes_supported.join(' ') };
}

async function register(as, method, redirectUrl) {
  const answer = await oauth.dynamicClientRegistrationRequest(
    as,
    {
      client_name: `Strict client with ${method}`,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: method,
    },
    onLoopback,
  );
  const client = await oauth.processDynamicClientRegistrationResponse(answer);
  if (client.token_endpoint_auth_method !== method) throw new Error(`registered with ${client.token_endpoint_auth_method}`);
  return { client, authentication: authentications[method](client) };
}

async function login({ as, scope }, { client, authentication }, callback) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callback.url,
    response_type: 'code',
    scope,
    state,
    resource: resource.href,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const arrival = callback.next();
  say('authorize', { url: url.href });
  const params = oauth.validateAuthResponse(as, client, await arrival, state); // iss as well
  const redeem = (secret) =>
    oauth
      .authorizationCodeGrantRequest(as, client, authentication, params, callback.url, secret, {
        additionalParameters: { resource: resource.href },
        ...onLoopback,
      })
      .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer));
  const wrongVerifier = await refused(redeem(oauth.generateRandomCodeVerifier()));
  return { tokens: await redeem(verifier), wrongVerifier: wrongVerifier.error };
}

async function refresh(as, { client, authentication }, token, wanted) {
  const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, {
    additionalParameters: { resource: wanted },
    ...onLoopback,
  });
  return oauth.processRefreshTokenResponse(as, client, answer);
}

async function revoke(as, { client, authentication }, token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, onLoopback));
}

await run(async () => {
  const server = await discover();
  const { as } = server;
  for (const method of Object.keys(authentications)) {
    const callback = await listenForCallback();
    const registered = await register(as, method, callback.url);
    const { tokens, wrongVerifier } = await login(server, registered, callback);
    const before = await initialize(tokens.access_token);
    const elsewhere = await refused(refresh(as, registered, tokens.refresh_token, 'https://elsewhere.example/mcp'));
    const renewed = await refresh(as, registered, tokens.refresh_token, resource.href);
    const after = await initialize(renewed.access_token);
    await revoke(as, registered, renewed.refresh_token);
    say('connected', {
      method,
      wrongVerifier,
      scope: tokens.scope,
      statuses: [before.status, after.status],
      elsewhere: elsewhere.error,
      rotated: tokens.refresh_token !== renewed.refresh_token && tokens.access_token !== renewed.access_token,
      revoked: [(await challenge(renewed.access_token)).error, (await refused(refresh(as, registered, renewed.refresh_token, resource.href))).error],
    });
  }
});
