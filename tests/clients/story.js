// What every client is put through.

import assert from 'node:assert/strict';
import { inspect } from 'node:util';

import { cut, mend, sql, startServer, stopServer } from './stage.js';

// Far longer than an entry takes, also after a break.
const PATIENCE = 90_000;

const descending = (from, to) => Array.from({ length: from - to + 1 }, (_, index) => String(from - index));

/** Asks for the newest entries, has one undone, and asks again. */
export async function askAndUndo({ newest, undo }) {
  const before = await newest(10);
  assert.deepEqual(before.map(({ recordId }) => recordId), descending(1000, 991));
  assert.deepEqual([...new Set(before.map(({ action }) => action))], ['CREATE']);

  await sql("update products set price = 2 where id = 7");
  const [update] = await newest(1);
  assert.equal(update.action, 'UPDATE');
  assert.deepEqual(plain(update.changes), [{ field: 'price', oldText: '1', newText: '2' }]);

  const effects = await undo(update.id, 'wrong product');
  assert.deepEqual(plain(effects), [
    { recordId: '7', changes: [{ field: 'price', oldText: '2', newText: '1' }] },
  ]);
  const [undone] = await newest(1);
  assert.equal(undone.description, 'wrong product');
  assert.equal(Number(undone.id), Number(update.id) + 1);
}

/** Goes through a thousand entries in pages of a hundred: each once, in their order. */
export async function readPages(pages) {
  const seen = [];
  for await (const page of pages) {
    assert.equal(page.length, 100);
    seen.push(...page);
  }
  assert.deepEqual(seen.map(({ recordId }) => recordId), descending(1000, 1));
  const ids = seen.map(({ id }) => Number(id));
  assert.ok(ids.every((id, index) => index === 0 || id < ids[index - 1]));
}

/**
 * Follows the log from a position, over a break of the line and a change of servers in which more is written: each
 * entry comes once, in its order. A cursor that is none is refused, and not tried for ever. `follow(after, take, fail)`
 * gives what ends it. The rows that are made have the numbers after `last`.
 */
export async function followOverABreak(position, follow, last = 1000) {
  const after = await position();
  const [one, two, three, four, five, six, seven, eight] = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => String(last + number));
  const insert = (id) => sql(`insert into products values (${id}, 'Chair', 5)`);
  await insert(one);
  const entries = collected();
  const end = follow(after, entries.take, (error) => {
    console.error('the subscription failed', error);
    process.exit(1);
  });
  await entries.reach(one);
  await insert(two);
  await entries.reach(two);

  await cut();
  await insert(three);
  await sql(`begin; insert into products values (${four}, 'Desk', 9); update products set price = 8 where id = ${four}; commit`);
  await mend();
  await insert(five);
  await entries.reach(five);
  await insert(six);
  await entries.reach(six);

  await stopServer();
  await insert(seven);
  await startServer();
  await insert(eight);
  await entries.reach(eight);
  await end();
  assert.deepEqual(
    entries.all.map(({ action, recordId }) => `${action} ${recordId}`),
    [
      `CREATE ${one}`, `CREATE ${two}`, `CREATE ${three}`, `CREATE ${four}`, `UPDATE ${four}`, `CREATE ${five}`,
      `CREATE ${six}`, `CREATE ${seven}`, `CREATE ${eight}`,
    ],
  );

  const refusal = await new Promise((resolve) => follow('no cursor', entries.take, resolve));
  assert.match(inspect(refusal, { depth: 8 }), /BAD_USER_INPUT/);
}

/** What was taken so far, and a way to wait for the entry of a record. */
export function collected() {
  const all = [];
  let waiting = [];
  const isThere = (recordId) => all.some((entry) => entry.recordId === recordId);
  return {
    all,
    take(entry) {
      all.push(entry);
      waiting.filter(({ recordId }) => isThere(recordId)).forEach(({ resolve }) => resolve());
      waiting = waiting.filter(({ recordId }) => !isThere(recordId));
    },
    /** Ends the program where the entry does not come. */
    reach(recordId) {
      const late = setTimeout(() => {
        console.error(`the entry of record ${recordId} did not come; what came:`, all);
        process.exit(1);
      }, PATIENCE);
      return new Promise((resolve) => (isThere(recordId) ? resolve() : waiting.push({ recordId, resolve }))).finally(
        () => clearTimeout(late),
      );
    },
  };
}

/** Without what a client's cache adds. */
function plain(value) {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === '__typename' ? undefined : inner)));
}

/** What is to be paged through. */
export const ALL_CREATED = { tableName: ['products'], action: ['CREATE'] };
