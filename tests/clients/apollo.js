import assert from 'node:assert/strict';

import { CombinedGraphQLErrors, gql } from '@apollo/client';

import { connect, follow, multipart, newest, pages, persisted, position, undo, usual } from './examples/apollo.js';
import { token, url } from './stage.js';
import { ALL_CREATED, askAndUndo, followOverABreak, readPages } from './story.js';

const client = connect(usual(url, token));
await askAndUndo({
  newest: (count) => newest(client, count),
  undo: (id, reason) => undo(client, id, reason),
});
await readPages(pages(client, ALL_CREATED));
await theCacheHasAllPages();
await errorsHaveCodes();
await followOverABreak(() => position(client), (after, take, fail) => subscribed(client, after, take, fail));

const overHttpAlone = connect(multipart(url, token));
await followOverABreak(
  () => position(overHttpAlone),
  (after, take, fail) => subscribed(overHttpAlone, after, take, fail),
  2000,
);

const byDigest = connect(persisted(url, token));
await theDigestSuffices();
process.exit(0);

function subscribed(client, after, take, fail) {
  const subscription = follow(client, after).subscribe({ next: take, error: fail });
  return () => subscription.unsubscribe();
}

async function theCacheHasAllPages() {
  const query = gql`query ($filter: AuditLogFilter) { auditLogs(filter: $filter) { edges { cursor node { id } } } }`;
  const cached = client.readQuery({ query, variables: { filter: ALL_CREATED } });
  assert.equal(new Set(cached.auditLogs.edges.map(({ node }) => node.id)).size, 1000);
}

async function errorsHaveCodes() {
  const mutation = gql`mutation { undo(id: 999999) { auditLog { id } } }`;
  await assert.rejects(client.mutate({ mutation }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.equal(error.errors[0].extensions.code, 'NOT_FOUND');
    return true;
  });
  const { error } = await client.query({ query: gql`{ auditLogs(first: 0) { nodes { id } } }`, errorPolicy: 'all' });
  assert.equal(error.errors[0].extensions.code, 'BAD_USER_INPUT');
}

// The first request is refused for a digest that the server has not seen, and sent once more with the query, by POST.
async function theDigestSuffices() {
  const sent = [];
  const plainFetch = globalThis.fetch;
  globalThis.fetch = (address, init) => {
    sent.push({ method: init.method, hasQuery: /[?&]query=|"query":/.test(`${address} ${init.body ?? ''}`) });
    return plainFetch(address, init);
  };
  await newest(byDigest, 3);
  const [{ recordId }] = await newest(byDigest, 3);
  globalThis.fetch = plainFetch;
  assert.equal(recordId, '2008');
  assert.deepEqual(sent, [
    { method: 'GET', hasQuery: false },
    { method: 'POST', hasQuery: true },
    { method: 'GET', hasQuery: false },
  ]);
}
