import { connect, follow, newest, pages, position, undo } from './examples/graphql-sse.js';
import { token, url } from './stage.js';
import { ALL_CREATED, askAndUndo, followOverABreak, readPages } from './story.js';

const client = connect(url, token);
await askAndUndo({
  newest: (first) => newest(client, first),
  undo: (id, reason) => undo(client, id, reason),
});
await readPages(pages(client, ALL_CREATED));
await followOverABreak(
  () => position(client),
  (after, take, fail) => follow(client, after, take, fail),
);
client.dispose();
