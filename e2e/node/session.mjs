// What a program does with the TypeScript SDK, of either version, in Node.js and in a browser.

class Provider {
  constructor({ name, redirectUrl, saved, redirect }) {
    this.redirectUrl = redirectUrl;
    this.saved = saved;
    this.redirectToAuthorization = redirect;
    this.clientMetadata = {
      client_name: name,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state = () => 'state-of-the-typescript-client';
  clientInformation = () => this.saved.client;
  saveClientInformation = (client) => void (this.saved.client = client);
  tokens = () => this.saved.tokens;
  saveTokens = (tokens) => void (this.saved.tokens = tokens);
  codeVerifier = () => this.saved.verifier;
  saveCodeVerifier = (verifier) => void (this.saved.verifier = verifier);
  discoveryState = () => this.saved.discovery;
  saveDiscoveryState = (discovery) => void (this.saved.discovery = discovery);
  invalidateCredentials = (scope) => {
    if (scope === 'all' || scope === 'discovery') delete this.saved.discovery;
    if (scope === 'all' || scope === 'tokens') delete this.saved.tokens;
    if (scope === 'all' || scope === 'client') delete this.saved.client;
  };
}

export class Session {
  constructor(sdk, serverUrl, provider) {
    this.sdk = sdk;
    this.serverUrl = new URL(serverUrl);
    this.provider = new Provider(provider);
  }

  transport = () => new this.sdk.StreamableHTTPClientTransport(this.serverUrl, { authProvider: this.provider });

  async connect() {
    this.client = new this.sdk.Client({ name: 'typescript-e2e', version: '1.0.0' }, this.sdk.options);
    await this.client.connect(this.transport());
  }

  // finish redeems what the browser came back with.
  finish = (params) => this.sdk.finishAuth(this.transport(), params);

  // asksForApproval reports whether something ends in the SDK's wish for an approval.
  async asksForApproval(promise) {
    try {
      await promise;
      return false;
    } catch (err) {
      if (err instanceof this.sdk.UnauthorizedError) return true;
      throw err;
    }
  }

  async call(name, args = {}) {
    const result = await this.client.callTool({ name, arguments: args });
    if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
    return result.structuredContent;
  }

  async use() {
    const { tools } = await this.client.listTools();
    return {
      protocol: this.sdk.protocolVersion(this.client),
      tools: tools.map((tool) => tool.name),
      note: await this.call('add_note', { text: 'from TypeScript' }),
      whoami: await this.call('whoami'),
    };
  }

  async refresh() {
    const before = this.provider.saved.tokens;
    const outcome = await this.sdk.auth(this.provider, { serverUrl: this.serverUrl });
    const after = this.provider.saved.tokens;
    await this.call('whoami');
    return {
      outcome,
      rotated: before.refresh_token !== after.refresh_token && before.access_token !== after.access_token,
      scope: after.scope,
    };
  }

  async revoke() {
    const { client, tokens } = this.provider.saved;
    const metadata = await this.sdk.discoverAuthorizationServerMetadata(this.serverUrl.origin);
    const revoked = await fetch(metadata.revocation_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.refresh_token, client_id: client.client_id }),
    });
    const probe = await fetch(this.serverUrl, {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokens.access_token}`, 'Content-Type': 'application/json' },
      body: '{}',
    });
    return {
      status: revoked.status,
      probe: probe.status,
      challenge: probe.headers.get('WWW-Authenticate'),
      unauthorized: await this.asksForApproval(this.call('whoami')),
    };
  }
}
