// A client of the TypeScript SDK, through the proxy, of a server that knows nothing of authorization:
//
//   node proxied.mjs ./sdk-v1.mjs http://localhost:8080/mcp

import { go, listenForCallback, run, say } from './script.mjs';
import { Session } from './session.mjs';

const [module, serverUrl] = process.argv.slice(2);

await run(async () => {
  const sdk = await import(module);
  const callback = await listenForCallback();
  const session = new Session(sdk, serverUrl, {
    name: 'TypeScript SDK',
    redirectUrl: callback.url,
    saved: {},
    redirect: (url) => say('authorize', { url: url.href }),
  });
  const arrival = callback.next();
  if (!(await session.asksForApproval(session.connect()))) throw new Error('the proxy let a client in without a token');
  await session.finish((await arrival).searchParams);
  await session.connect();
  const { tools } = await session.client.listTools();
  say('connected', { tools: tools.map((tool) => tool.name), ...(await session.call('whoami')) });

  const counted = await sdk.callTool(session.client, { name: 'count' }, { onprogress: ({ progress, total }) => say('progress', { progress, total }) });
  say('counted', counted.structuredContent);
  await go();

  say('refreshed', await session.refresh());
  say('again', await session.call('whoami'));
  await session.client.transport.terminateSession();
  say('ended');
  say('revoked', await session.revoke());
});
