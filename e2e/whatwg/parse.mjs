// Reads a URL, as JSON, from each line, and writes what browsers make of it: null if nothing.
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  let url = null;
  try {
    const { href, protocol, username, password, hostname, port, pathname, search, hash } = new URL(JSON.parse(line));
    url = { href, protocol, username, password, hostname, port, pathname, search, hash };
  } catch {
    // A browser goes nowhere.
  }
  process.stdout.write(JSON.stringify(url) + '\n');
}
