import { createHash } from 'node:crypto';

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { defer, first, firstValueFrom, map, retry, tap, throwError, timer } from 'rxjs';
import WebSocket from 'ws';

globalThis.WebSocket ??= WebSocket; // browsers, and Node from version 22 on, have their own

const http = (url, token) => new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } });

// Queries and mutations over HTTP, subscriptions over a WebSocket.
export function usual(url, token) {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0, // `follow` subscribes again
  });
  const isSubscription = ({ operationType }) => operationType === 'subscription';
  return ApolloLink.split(isSubscription, new GraphQLWsLink(socket), http(url, token));
}

// Everything over HTTP, subscriptions as multipart answers.
export const multipart = http;

// Queries by their digests, with GET.
export function persisted(url, token) {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  return new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(http(url, token));
}

export const connect = (link) =>
  new ApolloClient({
    link,
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { auditLogs: relayStylePagination(['filter']) } } },
    }),
  });

export async function newest(client, count) {
  const query = gql`
    query Newest($count: Int!) {
      auditLogs(first: $count) {
        edges {
          cursor
          node { id timestamp action tableName recordId username description changes { field oldText newText } }
        }
      }
    }
  `;
  const { data } = await client.query({ query, variables: { count }, fetchPolicy: 'no-cache' });
  return data.auditLogs.edges.map(({ node }) => node);
}

export async function undo(client, id, reason) {
  const mutation = gql`
    mutation Undo($id: ID!, $reason: String) {
      undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
    }
  `;
  const { data } = await client.mutate({ mutation, variables: { id, reason } });
  return data.undo.effects;
}

// The cache joins the pages: who watches the query is given all that was fetched.
export async function* pages(client, filter) {
  const query = gql`
    query Page($filter: AuditLogFilter, $after: String) {
      auditLogs(filter: $filter, first: 100, after: $after) {
        edges { cursor node { id recordId } }
        pageInfo { hasNextPage endCursor }
      }
    }
  `;
  const list = client.watchQuery({ query, variables: { filter } });
  let { data } = await firstValueFrom(list.pipe(first(({ loading }) => !loading)));
  yield data.auditLogs.edges.map(({ node }) => node);
  while (data.auditLogs.pageInfo.hasNextPage) {
    ({ data } = await list.fetchMore({ variables: { after: data.auditLogs.pageInfo.endCursor } }));
    yield data.auditLogs.edges.map(({ node }) => node);
  }
}

export async function position(client) {
  const { data } = await client.query({ query: gql`{ feedCursor }`, fetchPolicy: 'no-cache' });
  return data.feedCursor;
}

// An observable of entries. After a lost connection it goes on where it was.
export function follow(client, after) {
  const query = gql`
    subscription Added($after: String) {
      auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
    }
  `;
  return defer(() => client.subscribe({ query, variables: { after }, fetchPolicy: 'no-cache' })).pipe(
    map(({ data, error }) => {
      if (error) throw error;
      return data.auditLogAdded;
    }),
    tap(({ cursor }) => (after = cursor)),
    map(({ auditLog }) => auditLog),
    retry({ delay: (error) => (CombinedGraphQLErrors.is(error) ? throwError(() => error) : timer(1000)) }),
  );
}
