import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws'; // browsers, and Node from version 22 on, have their own

// Subscriptions over a WebSocket.
export function connect(url, token) {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    webSocketImpl: WebSocket,
    retryAttempts: 0, // `follow` subscribes again
  });
  return new Client({
    url,
    fetchOptions: { headers: { authorization } },
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}

// Subscriptions over HTTP, as server-sent events.
export const connectOverHttp = (url, token) =>
  new Client({
    url,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    preferGetMethod: false,
    fetchSubscriptions: true,
    exchanges: [cacheExchange, fetchExchange],
  });

async function answer(operation) {
  const { data, error } = await operation.toPromise();
  if (error) throw error;
  return data;
}

export async function newest(client, first) {
  const query = gql`
    query ($first: Int!) {
      auditLogs(first: $first) {
        nodes { id timestamp action tableName recordId username description changes { field oldText newText } }
      }
    }
  `;
  return (await answer(client.query(query, { first }, { requestPolicy: 'network-only' }))).auditLogs.nodes;
}

export async function undo(client, id, reason) {
  const mutation = gql`
    mutation ($id: ID!, $reason: String) {
      undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
    }
  `;
  return (await answer(client.mutation(mutation, { id, reason }))).undo.effects;
}

export async function* pages(client, filter) {
  const query = gql`
    query ($filter: AuditLogFilter, $after: String) {
      auditLogs(filter: $filter, first: 100, after: $after) {
        nodes { id recordId }
        pageInfo { hasNextPage endCursor }
      }
    }
  `;
  let after = null;
  do {
    const { auditLogs } = await answer(client.query(query, { filter, after }));
    yield auditLogs.nodes;
    after = auditLogs.pageInfo.hasNextPage ? auditLogs.pageInfo.endCursor : null;
  } while (after);
}

export const position = async (client) =>
  (await answer(client.query(gql`{ feedCursor }`, {}, { requestPolicy: 'network-only' }))).feedCursor;

// Gives a function that ends it. After a lost connection it subscribes again, from where it was.
export function follow(client, after, take, fail) {
  const subscription = gql`
    subscription ($after: String) {
      auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
    }
  `;
  let current, waiting;
  const subscribe = () => {
    current = client.subscription(subscription, { after }).subscribe(({ data, error, hasNext }) => {
      if (error && !error.networkError) fail(error);
      else if (!hasNext) waiting = setTimeout(subscribe, 1000); // `data` is that of the last event once more
      else {
        after = data.auditLogAdded.cursor;
        take(data.auditLogAdded.auditLog);
      }
    });
  };
  subscribe();
  return () => {
    clearTimeout(waiting);
    current.unsubscribe();
  };
}
