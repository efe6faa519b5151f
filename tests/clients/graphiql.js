// GraphiQL in a browser, by nothing but what the server gives it.

import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { buildSchema, parse, validate } from 'graphql';
import { chromium } from 'playwright-core';

import { liveChanges, newestChanges } from '../../web/graphiql/src/queries.js';
import { sql, token, url } from './stage.js';

const PATIENCE = 90_000;
const { origin } = new URL(url);

const browser = await chromium.launch({
  executablePath: executable(),
  args: [
    '--no-sandbox', // root may not have one, and nothing foreign is loaded
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);

const foreign = [];
const complaints = [];
const sockets = [];
await context.route('**', (route) => {
  if (new URL(route.request().url()).origin === origin) return route.continue();
  foreign.push(route.request().url());
  return route.abort();
});
page.on('websocket', (socket) => sockets.push(socket.url()));
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
});
page.on('pageerror', (error) => complaints.push(String(error)));
await context.exposeBinding('violated', (_, what) => complaints.push(what));
await page.addInitScript(() => {
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample, sourceFile }) =>
    window.violated(`${violatedDirective} forbids ${blockedURI} ${sample} (${sourceFile})`),
  );
});

try {
  await thePolicyIsStrict();
  await theTokenIsTakenFromTheLink();
  await aTypedQueryIsAnswered();
  await aSubscriptionShowsALiveEntry();
  assert.deepEqual(sockets.filter((address) => new URL(address).host !== new URL(url).host), []);
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
  theFirstTabsFitTheSchema();
} catch (error) {
  console.error({ foreign, complaints });
  throw error;
} finally {
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  await browser.close();
}

async function thePolicyIsStrict() {
  const answer = await page.goto(`${origin}/graphiql#token=${token}`);
  assert.ok(
    !(await answer.text()).includes('GraphiQL is not in this build'),
    'GraphiQL is not in this build: `make graphiql` makes it, and the server is built after it',
  );
  const policy = answer.headers()['content-security-policy'];
  const directives = new Map(policy.split(';').map((directive) => directive.trim().split(/ (.*)/)));
  assert.equal(directives.get('default-src'), "'none'");
  assert.equal(directives.get('script-src'), "'self'");
  assert.equal(directives.get('connect-src'), "'self'");
  assert.equal(directives.get('frame-ancestors'), "'none'");
  assert.doesNotMatch(policy, /unsafe-eval|http|\*/);
}

async function theTokenIsTakenFromTheLink() {
  await page.getByText(/^As ann, until /).waitFor();
  assert.equal(page.url(), `${origin}/graphiql`);
  const devTools = await context.newCDPSession(page);
  const { entries } = await devTools.send('Page.getNavigationHistory');
  assert.deepEqual(entries.filter((entry) => entry.url.includes(token)), []);
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage)).then((kept) => kept.includes(token)), false);
}

async function aTypedQueryIsAnswered() {
  await type('Typed', 'query Typed { auditLogs(first: 1) { nodes { recordId tableName } } }');
  await page.keyboard.press('Control+Enter');
  await shown('"recordId": "1000"');
}

/** The first entry shows that the subscription stands; the second is written while it does. */
async function aSubscriptionShowsALiveEntry() {
  const cursor = await position();
  await sql("insert into products values (1001, 'Chair', 5)");
  await type('Followed', `subscription Followed { auditLogAdded(after: "${cursor}") { auditLog { recordId tableName } } }`);
  await page.keyboard.press('Control+Enter');
  await shown('"recordId": "1001"');
  await sql("insert into products values (1002, 'Chair', 5)");
  await shown('"recordId": "1002"');
  assert.equal(sockets.length, 1);
}

function theFirstTabsFitTheSchema() {
  const schema = buildSchema(readFileSync('../../schema.graphql', 'utf8'));
  for (const query of [newestChanges, liveChanges]) {
    assert.deepEqual(validate(schema, parse(query)), []);
  }
}

async function position() {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ feedCursor }' }),
  });
  return (await answer.json()).data.feedCursor;
}

/** Types over what stands in the editor of the query, and waits until the page has seen the operation's name. */
async function type(name, query) {
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.type(query);
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name }).waitFor();
}

/** Waits until the answer holds this text. The editor writes its spaces as ones that do not break. */
async function shown(text) {
  await page.waitForFunction(
    (text) => document.querySelector('.graphiql-response')?.innerText.replaceAll('\u00a0', ' ').includes(text),
    text,
  );
}

function executable() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = process.env.PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(found, 'Chromium is not installed: `make test-tools` does it');
  return found;
}
