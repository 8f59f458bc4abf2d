// A web page that uses the TypeScript SDK. It is at an origin of its own, so that every request to the server
// is a cross-origin one.

import * as sdk from 'sdk';
import { Session } from './session.mjs';

const show = (result) => document.body.append(Object.assign(document.createElement('pre'), { textContent: JSON.stringify(result) }));

// stored is an object that outlives the way to the server's page and back.
const stored = new Proxy(sessionStorage, {
  get: (storage, key) => JSON.parse(storage.getItem(key) ?? 'null') ?? undefined,
  set: (storage, key, value) => (storage.setItem(key, JSON.stringify(value)), true),
  deleteProperty: (storage, key) => (storage.removeItem(key), true),
});

const here = new URL(location.href);
stored.server ??= here.searchParams.get('server');
let leave = (url) => location.assign(url);
const session = new Session(sdk, stored.server, {
  name: 'Web page',
  redirectUrl: new URL('/callback', here).href,
  saved: stored,
  redirect: (url) => leave(url),
});

async function connect() {
  if (!(await session.asksForApproval(session.connect()))) throw new Error('the server let a page in without a token');
}

async function returned() {
  leave = () => {}; // after the revocation, there is no second approval
  await session.finish(here.searchParams);
  await session.connect();
  show({
    iss: here.searchParams.get('iss'),
    state: here.searchParams.get('state'),
    ...(await session.use()),
    ...(await session.refresh()),
    ...(await session.revoke()),
  });
}

const attempt = (action) => action().catch((err) => show({ error: String(err?.stack ?? err) }));

if (here.pathname === '/callback') {
  attempt(returned);
} else {
  const button = Object.assign(document.createElement('button'), { textContent: 'Connect' });
  button.addEventListener('click', () => attempt(connect));
  document.body.append(button);
}
