import type { Client } from 'graphql-ws';

import { graphql } from './generated/gql.js';
import type {
  AddedSubscription,
  AuditLogFilter,
  EntryFragment,
  PageQuery,
  TypedDocumentString,
} from './generated/graphql.js';

export type Server = { url: string; token: string };

async function ask<Result, Variables>(
  { url, token }: Server,
  query: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data?: Result; errors?: { message: string }[] };
  if (errors || !data) throw new AggregateError(errors ?? [], errors?.[0]?.message ?? `status ${answer.status}`);
  return data;
}

graphql(`
  fragment Entry on AuditLog {
    id timestamp action tableName recordId username description changes { field oldText newText }
  }
`);

export async function newest(server: Server, first: number): Promise<EntryFragment[]> {
  const query = graphql(`
    query Newest($first: Int!) { auditLogs(first: $first) { totalCount nodes { ...Entry } } }
  `);
  return (await ask(server, query, { first })).auditLogs.nodes;
}

export async function undo(server: Server, id: string, reason: string) {
  const query = graphql(`
    mutation Undo($id: ID!, $reason: String) {
      undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
    }
  `);
  return (await ask(server, query, { id, reason })).undo.effects;
}

export async function* pages(server: Server, filter: AuditLogFilter) {
  const query = graphql(`
    query Page($filter: AuditLogFilter, $after: String) {
      auditLogs(filter: $filter, first: 100, after: $after) {
        nodes { id recordId }
        pageInfo { hasNextPage endCursor }
      }
    }
  `);
  let after: string | null = null;
  do {
    const { auditLogs }: PageQuery = await ask(server, query, { filter, after });
    yield auditLogs.nodes;
    after = auditLogs.pageInfo.hasNextPage ? auditLogs.pageInfo.endCursor : null;
  } while (after !== null);
}

export async function position(server: Server): Promise<string> {
  return (await ask(server, graphql(`query Position { feedCursor }`), {})).feedCursor;
}

export type AddedEntry = NonNullable<AddedSubscription['auditLogAdded']['auditLog']>;

export function follow(client: Client, after: string, take: (entry: AddedEntry) => void, fail: (error: unknown) => void) {
  const query = graphql(`
    subscription Added($after: String) {
      auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
    }
  `);
  // The client sends the variables anew with each reconnect, and so goes on where it was.
  const variables = { after };
  return client.subscribe<AddedSubscription>(
    { query: query.toString(), variables },
    {
      next({ data, errors }) {
        if (!data) return fail(errors);
        variables.after = data.auditLogAdded.cursor;
        if (data.auditLogAdded.auditLog) take(data.auditLogAdded.auditLog);
      },
      error: fail,
      complete() {},
    },
  );
}
