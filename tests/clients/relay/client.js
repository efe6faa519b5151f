import { createClient } from 'graphql-ws';
import {
  Environment,
  Network,
  Observable,
  RecordSource,
  Store,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRefetchMetadata,
  getRequest,
  getSelector,
  graphql,
  requestSubscription,
} from 'relay-runtime';
import WebSocket from 'ws'; // browsers, and Node from version 22 on, have their own

export function connect(url, token) {
  const authorization = `Bearer ${token}`;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    webSocketImpl: WebSocket,
    retryAttempts: Infinity,
  });
  const ask = async ({ text }, variables) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
    });
    return answer.json();
  };
  // The client sends the variables anew with each reconnect, and so goes on where it was.
  const subscribe = ({ text }, given) =>
    Observable.create((sink) => {
      const variables = { ...given };
      return socket.subscribe(
        { query: text, variables },
        {
          next(result) {
            variables.after = result.data?.auditLogAdded?.cursor ?? variables.after;
            sink.next(result);
          },
          error: sink.error,
          complete: sink.complete,
        },
      );
    });
  return new Environment({ network: Network.create(ask, subscribe), store: new Store(new RecordSource()) });
}

export async function newest(environment, first) {
  const query = graphql`
    query clientNewestQuery($first: Int!) {
      auditLogs(first: $first) {
        nodes { id timestamp action tableName recordId username description changes { field oldText newText } }
      }
    }
  `;
  return (await fetchQuery(environment, query, { first }).toPromise()).auditLogs.nodes;
}

export function undo(environment, id, reason) {
  const mutation = graphql`
    mutation clientUndoMutation($id: ID!, $reason: String) {
      undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
    }
  `;
  return new Promise((resolve, reject) => {
    const onCompleted = ({ undo }) => resolve(undo.effects);
    commitMutation(environment, { mutation, variables: { id, reason }, onCompleted, onError: reject });
  });
}

// The store joins the pages. In React, `usePaginationFragment` does with the same fragment what is done here by hand.
export async function* pages(environment, filter) {
  const log = graphql`
    fragment clientLog_query on Query
    @refetchable(queryName: "clientLogPaginationQuery")
    @argumentDefinitions(
      filter: { type: "AuditLogFilter" }
      count: { type: "Int", defaultValue: 100 }
      cursor: { type: "String" }
    ) {
      auditLogs(filter: $filter, first: $count, after: $cursor) @connection(key: "client_auditLogs") {
        edges { node { id recordId } }
      }
    }
  `;
  const query = graphql`
    query clientLogQuery($filter: AuditLogFilter) { ...clientLog_query @arguments(filter: $filter) }
  `;
  const first = createOperationDescriptor(getRequest(query), { filter });
  const { dispose } = environment.retain(first);
  await environment.execute({ operation: first }).toPromise();
  const selector = getSelector(log, environment.lookup(first.fragment).data);
  const { refetchableRequest } = getRefetchMetadata(log, 'pages');
  for (let seen = 0; ; ) {
    const { edges, pageInfo } = environment.lookup(selector).data.auditLogs;
    yield edges.slice(seen).map(({ node }) => node);
    if (!pageInfo.hasNextPage) break;
    seen = edges.length;
    await fetchQuery(environment, refetchableRequest, { filter, cursor: pageInfo.endCursor }).toPromise();
  }
  dispose();
}

export async function position(environment) {
  const query = graphql`query clientPositionQuery { feedCursor }`;
  return (await fetchQuery(environment, query, {}).toPromise()).feedCursor;
}

export function follow(environment, after, take, fail) {
  const subscription = graphql`
    subscription clientAddedSubscription($after: String) {
      auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
    }
  `;
  const onNext = ({ auditLogAdded }) => take(auditLogAdded.auditLog);
  const { dispose } = requestSubscription(environment, { subscription, variables: { after }, onNext, onError: fail });
  return dispose;
}
