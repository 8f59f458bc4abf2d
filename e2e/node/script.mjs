// What the scripts share: they are driven by a Go test, to which they write one JSON object per line, and
// wait for a line on standard input where the test has something to do.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export const go = () => lines.next();

// run does what the script is for, and says what went wrong.
export async function run(script) {
  try {
    await script();
  } catch (err) {
    say('failed', { error: String(err?.stack ?? err) });
    process.exitCode = 1;
  }
  process.exit();
}

// listenForCallback opens the client's own listener, where the browser arrives with the code.
export async function listenForCallback() {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = `http://127.0.0.1:${listener.address().port}/callback`;
  const waiting = [];
  listener.on('request', (req, res) => {
    const arrived = new URL(req.url, url);
    res.setHeader('Content-Type', 'text/html');
    res.end('<!doctype html><title>Connected</title><link rel="icon" href="data:,"><p>Connected');
    if (arrived.pathname === '/callback') waiting.shift()?.(arrived);
  });
  // The next arrival has to be awaited before the browser is sent on its way.
  return { url, next: () => new Promise((resolve) => waiting.push(resolve)) };
}
