// Package e2e has tests that use the example server as people and programs do: the
// real pages in Chromium with a virtual authenticator, the official SDKs as
// clients, the server as a process that is stopped and killed.
//
// Chromium, and Node.js with "npm ci" in e2e/node, must be there; without them the
// tests skip, or fail when MCPOAUTH_E2E is "required". MCPOAUTH_SCREENSHOTS names a
// directory for pictures of every page.
package e2e
