// Relay's compiler on the schema: it has nothing to object to, nor to warn of. What it makes, `relay.js` runs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

import { transformFileSync } from '@babel/core';
import compiler from 'relay-compiler';

rmSync('relay/generated', { recursive: true, force: true });
mkdirSync('relay/generated', { recursive: true });
const { status, stdout, stderr } = spawnSync(compiler, ['relay.config.json'], { cwd: 'relay', encoding: 'utf8' });
assert.equal(status, 0, stdout + stderr);
assert.match(stdout + stderr, /Compilation completed/);
assert.doesNotMatch(stdout + stderr, /warn|error/i);

const { code } = transformFileSync('relay/client.js', {
  babelrc: false,
  plugins: [['relay', { artifactDirectory: 'relay/generated', eagerEsModules: true }]],
});
writeFileSync('relay/generated/client.js', code);
// A bundler finds files without the ending of their names; Node does not.
for (const file of readdirSync('relay/generated')) {
  const path = `relay/generated/${file}`;
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll(/(import .* from ['"]).*\/([^'"/]+\.graphql)(['"])/g, '$1./$2.js$3'));
}
