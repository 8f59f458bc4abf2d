// A program that uses the TypeScript SDK:
//
//   node client.mjs ./sdk-v2.mjs http://localhost:8080/mcp

import { go, listenForCallback, run, say } from './script.mjs';
import { Session } from './session.mjs';

const [module, serverUrl] = process.argv.slice(2);

await run(async () => {
  const callback = await listenForCallback();
  const session = new Session(await import(module), serverUrl, {
    name: 'TypeScript SDK',
    redirectUrl: callback.url,
    saved: {},
    redirect: (url) => say('authorize', { url: url.href }),
  });
  const arrival = callback.next();
  if (!(await session.asksForApproval(session.connect()))) throw new Error('the server let a client in without a token');
  const { searchParams } = await arrival;
  say('redirected', { iss: searchParams.get('iss'), state: searchParams.get('state') });
  await session.finish(searchParams);
  await session.connect();
  say('used', await session.use());
  await go(); // the test restarts the server
  say('called-again', { notes: (await session.call('list_notes')).notes });
  say('refreshed', await session.refresh());
  say('revoked', await session.revoke());
});
