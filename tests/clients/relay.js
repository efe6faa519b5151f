import assert from 'node:assert/strict';

import { connect, follow, newest, pages, position, undo } from './relay/generated/client.js';
import { token, url } from './stage.js';
import { ALL_CREATED, askAndUndo, followOverABreak, readPages } from './story.js';

const environment = connect(url, token);
await askAndUndo({
  newest: (first) => newest(environment, first),
  undo: (id, reason) => undo(environment, id, reason),
});
await readPages(pages(environment, ALL_CREATED));
await assert.rejects(undo(environment, '999999'), /999999/);
await followOverABreak(
  () => position(environment),
  (after, take, fail) => follow(environment, after, take, fail),
);
process.exit(0);
