import { createClient } from 'graphql-ws';
import WebSocket from 'ws'; // browsers, and Node from version 22 on, have their own

export const connect = (url, token) =>
  createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization: `Bearer ${token}` },
    webSocketImpl: WebSocket,
    retryAttempts: Infinity,
  });

// Queries and mutations go over the same socket.
async function ask(client, query, variables) {
  for await (const { data, errors } of client.iterate({ query, variables })) {
    if (errors) throw new AggregateError(errors, errors[0].message);
    return data;
  }
}

export async function newest(client, first) {
  const query = `query ($first: Int!) {
    auditLogs(first: $first) {
      nodes { id timestamp action tableName recordId username description changes { field oldText newText } }
    }
  }`;
  return (await ask(client, query, { first })).auditLogs.nodes;
}

export async function undo(client, id, reason) {
  const query = `mutation ($id: ID!, $reason: String) {
    undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
  }`;
  return (await ask(client, query, { id, reason })).undo.effects;
}

export async function* pages(client, filter) {
  const query = `query ($filter: AuditLogFilter, $after: String) {
    auditLogs(filter: $filter, first: 100, after: $after) {
      nodes { id recordId }
      pageInfo { hasNextPage endCursor }
    }
  }`;
  let after = null;
  do {
    const { auditLogs } = await ask(client, query, { filter, after });
    yield auditLogs.nodes;
    after = auditLogs.pageInfo.hasNextPage ? auditLogs.pageInfo.endCursor : null;
  } while (after);
}

export const position = async (client) => (await ask(client, '{ feedCursor }')).feedCursor;

export function follow(client, after, take, fail) {
  const query = `subscription ($after: String) {
    auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
  }`;
  // The client sends the variables anew with each reconnect, and so goes on where it was.
  const variables = { after };
  return client.subscribe(
    { query, variables },
    {
      next({ data, errors }) {
        if (errors) return fail(errors);
        variables.after = data.auditLogAdded.cursor;
        take(data.auditLogAdded.auditLog);
      },
      error: fail,
      complete() {},
    },
  );
}
