// GraphQL over HTTP, by the specification's own suite.

import assert from 'node:assert/strict';

import { auditServer } from 'graphql-http';

import { token, url } from './stage.js';

const results = await auditServer({
  url,
  fetchFn: (address, init) =>
    fetch(address, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } }),
});
const others = results.filter(({ status }) => status !== 'ok');
for (const { id, name, status, reason } of others) {
  console.error(`${status} ${id} ${name}: ${reason}`);
}
assert.equal(others.length, 0);
assert.equal(results.length, 61);
