// Makes a fresh clone ready: installs the locked dependencies and builds, each only when needed. With
// only Node.js and git on the machine this is all there is to set up. Every npm script starts here.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const quiet = process.argv.includes('--quiet');
const stamp = 'node_modules/.prepared';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`aisexec needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}
run(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-b']);

function run(command, args) {
  if (!quiet)
    console.error(`> ${command === process.execPath ? 'node' : command} ${args.join(' ')}`);
  // Standard output belongs to the program that follows: it may be one JSON document.
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (result.status !== 0) {
    console.error(`aisexec: "${command} ${args.join(' ')}" failed; see above.`);
    process.exit(result.status ?? 1);
  }
}
