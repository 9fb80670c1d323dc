// Runs every program of examples/ against one executive and compares what it prints with
// examples/expected.json. A program that is not listed there is a failure.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { LocalCluster } from '@aisexec/executive/local-cluster';

const TIMEOUT_MS = 30_000;

const expected = JSON.parse(readFileSync('examples/expected.json', 'utf8'));
const programs = readdirSync('examples').filter((name) => name.endsWith('.mjs'));
const cluster = await LocalCluster.start({ nodes: 1 });
process.on('exit', () => cluster.killAll());

let failed = 0;
for (const program of programs) {
  const result = spawnSync(process.execPath, [`examples/${program}`], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    env: { ...process.env, AISEXEC_SOCKET: cluster.nodes[0].socket },
  });
  const printed = result.stdout.trimEnd().split('\n');
  const ok = result.status === 0 && JSON.stringify(printed) === JSON.stringify(expected[program]);
  console.log(`${ok ? 'ok  ' : 'FAIL'} examples/${program}`);
  if (ok) continue;
  failed++;
  console.log(`  exit status ${result.status}, printed ${JSON.stringify(printed)}`);
  console.log(`  expected ${JSON.stringify(expected[program])}\n${result.stderr}`);
}
await cluster.stop();
process.exitCode = failed === 0 ? 0 : 1;
