// Writes page.mjs with a version of the TypeScript SDK in it, as one script for browsers:
//
//   node bundle.mjs ./sdk-v2.mjs

import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['page.mjs'],
  alias: { sdk: process.argv[2] },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
});
process.stdout.write(outputFiles[0].text);
