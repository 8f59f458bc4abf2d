// Package e2e has tests that use the example server as people and programs do: the
// real pages in Chromium with a virtual authenticator; the MCP SDKs, general OAuth
// libraries and a web page of another origin as clients; the official conformance
// suite; the server as a process that is stopped and killed.
//
// Chromium, and "npm ci" in e2e/node, must be there; without them the tests skip, or
// fail when MCPOAUTH_E2E is "required". The npm packages bring a Node.js of their own
// on Linux, elsewhere it has to be there too, at least version 22.
// MCPOAUTH_SCREENSHOTS names a directory for pictures of every page.
package e2e
