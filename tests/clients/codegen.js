// The code generator with strict scalars: what it writes compiles under the strictest settings, and what is written on
// it runs.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

rmSync('codegen/generated', { recursive: true, force: true });
rmSync('codegen/built', { recursive: true, force: true });
const run = (command, ...rest) => execFileSync(`node_modules/.bin/${command}`, rest, { stdio: 'inherit' });
run('graphql-codegen', '--config', 'codegen/codegen.js');
run('tsc', '--project', 'codegen');
await import('./codegen/built/codegen/main.js');
