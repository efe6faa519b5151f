import assert from 'node:assert/strict';

import { connect, connectOverHttp, follow, newest, pages, position, undo } from './examples/urql.js';
import { token, url } from './stage.js';
import { ALL_CREATED, askAndUndo, followOverABreak, readPages } from './story.js';

const client = connect(url, token);
await askAndUndo({
  newest: (first) => newest(client, first),
  undo: (id, reason) => undo(client, id, reason),
});
await readPages(pages(client, ALL_CREATED));
await assert.rejects(undo(client, '999999'), ({ graphQLErrors }) => graphQLErrors[0].extensions.code === 'NOT_FOUND');

await followOverABreak(() => position(client), (after, take, fail) => follow(client, after, take, fail));
const overHttp = connectOverHttp(url, token);
await followOverABreak(() => position(overHttp), (after, take, fail) => follow(overHttp, after, take, fail), 2000);
process.exit(0);
