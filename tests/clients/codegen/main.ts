import assert from 'node:assert/strict';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { token, url } from '../stage.js';
import { ALL_CREATED, askAndUndo, followOverABreak, readPages } from '../story.js';
import { type AddedEntry, follow, newest, pages, position, undo } from './client.js';
import type { AuditLogFilter } from './generated/graphql.js';
import type { Scalars } from './generated/schema.js';

const server = { url: url as string, token: token as string };
const created: AuditLogFilter = { ...ALL_CREATED, action: ['CREATE'], start: 0 };

await askAndUndo({
  newest: (first: number) => newest(server, first),
  undo: (id: string, reason: string) => undo(server, id, reason),
});
await readPages(pages(server, created));

const [entry] = await newest(server, 1);
assert.ok(entry);
const timestamp: Scalars['DateTime']['output'] = entry.timestamp;
assert.ok(!Number.isNaN(Date.parse(timestamp)));

// What does not fit the schema does not compile.
// @ts-expect-error a count is a number
export const aCountThatIsNone = () => newest(server, 'ten');
// @ts-expect-error there is no such action
export const anActionThatIsNone: AuditLogFilter = { action: ['RENAME'] };
// @ts-expect-error a record may have no id
export const anIdThatMayBeNull = (added: AddedEntry): string => added.recordId;

const socket = createClient({
  url: server.url.replace(/^http/, 'ws'),
  connectionParams: { authorization: `Bearer ${server.token}` },
  webSocketImpl: WebSocket,
  retryAttempts: Infinity,
});
await followOverABreak(
  () => position(server),
  (after: string, take: (added: AddedEntry) => void, fail: (error: unknown) => void) => follow(socket, after, take, fail),
);
await socket.dispose();
