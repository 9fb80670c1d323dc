// `npm test`: everything that must be green, in the order in which a fault is cheapest to see. Every step
// counts: Jest steps by their tests, the others as one. Ends with the plain line `N passed, N failed`.
// AISEXEC_ALSO_NODE="22 24" repeats what touches Node.js itself, and a cluster, under these releases of Node.js, fetched from npm.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRATCH = mkdtempSync(join(tmpdir(), 'aisexec-check-'));
const TSC = 'node_modules/@typescript/native/bin/tsc';
const SIM =
  'packages/simulator/dist/bin/aissim.js --seeds 200 --seconds 20 --jobs 2 --failures-only'.split(
    ' ',
  );
const JEST = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
/** Packages with I/O, timers or native calls. */
const NEAR_NODE = ['packages/ipc', 'packages/executive', 'packages/cpg', 'packages/ctl'];
/** Files of test/cluster that ask what no ring does differently. */
const ON_BOTH_ENGINES = [
  'conformance-(lck|clm|evt|ckpt)',
  'killed-writer',
  'locks',
  'operations',
  'reopen',
  'replicated-map',
  'slow-subscriber',
  'state',
  'transfer',
];
const total = { passed: 0, failed: 0, skipped: 0 };
/** Steps that failed: their output may be thousands of lines above the end. */
const failedSteps = [];
const started = Date.now();

step('types of sources and tests', [TSC, '-p', 'tsconfig.test.json']);
step('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);
step('arrows', ['node_modules/.bin/depcruise', '--config', '.dependency-cruiser.cjs', 'packages']);
step('house rules', ['tools/tidy.mjs']);
jest('unit', ['--roots', 'packages']);
step('simulation of the ring: 200 seeds', SIM);
step('simulation of the executive with its services: 200 seeds', [...SIM, '--stack', 'full']);
jest('cluster', ['--roots', 'test', '--maxWorkers=1']);
// The same files once more, on real Corosync daemons; where there are none, the interop tests have said why.
if (process.getuid?.() === 0 && spawnSync('corosync', ['-v']).status === 0) {
  const files = `test/cluster/(${ON_BOTH_ENGINES.join('|')})`;
  const env = { AISEXEC_TEST_ENGINE: 'corosync' };
  jest('cluster on corosync', ['--maxWorkers=1', files], { env });
}
step('examples', ['tools/run-examples.mjs']);
for (const release of (process.env.AISEXEC_ALSO_NODE ?? '').split(' ').filter(Boolean)) {
  const node = fetchNode(release);
  if (node === undefined) continue;
  jest(`unit-on-node-${release}`, ['--roots', ...NEAR_NODE], { node });
  jest(`cluster-on-node-${release}`, ['--roots', 'test/cluster', '--testPathPatterns', 'locks'], {
    node,
  });
}

rmSync(SCRATCH, { recursive: true, force: true });
console.log(`\nin ${Math.round((Date.now() - started) / 1000)} s`);
if (failedSteps.length > 0) console.log(`failed: ${failedSteps.join(', ')}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;

function step(name, args) {
  heading(name);
  if (run(args)) total.passed++;
  else fail(name);
}

/** That release's binary; undefined when it cannot be had, which counts as a failure. */
function fetchNode(release) {
  heading(`Node.js ${release}`);
  const directory = join(SCRATCH, `node-${release}`);
  const npm = ['install', '--prefix', directory, '--no-audit', '--no-fund', `node@${release}`];
  const node = join(directory, 'node_modules/.bin/node');
  const version = spawnSync('npm', npm).status === 0 && spawnSync(node, ['--version']).stdout;
  if (version) {
    console.log(String(version).trim());
    return node;
  }
  console.error(
    `node@${release} could not be installed from npm; unset AISEXEC_ALSO_NODE to go without`,
  );
  fail(`Node.js ${release}`);
  return undefined;
}

function jest(name, args, { node = process.execPath, env = {} } = {}) {
  heading(name);
  const report = join(SCRATCH, `${name}.json`);
  const ok = run([...JEST, ...args, '--json', `--outputFile=${report}`, '--silent=false'], {
    node,
    env,
  });
  if (!existsSync(report)) return fail(name);
  const result = JSON.parse(readFileSync(report, 'utf8'));
  total.passed += result.numPassedTests;
  const failures = result.numFailedTests + result.numRuntimeErrorTestSuites;
  if (failures > 0 || !ok) fail(name, Math.max(failures, 1));
  total.skipped += result.numPendingTests;
  if (result.numPassedTests === 0) {
    console.error(`${name}: no test ran`);
    fail(name);
  }
}

function fail(name, times = 1) {
  total.failed += times;
  failedSteps.push(name);
}

function run(args, { node = process.execPath, env = {} } = {}) {
  const result = spawnSync(node, args, {
    // Jest prints its report on standard error; its JSON summary on standard output is of no use here.
    stdio: ['ignore', args.includes('--json') ? 'ignore' : 'inherit', 'inherit'],
    env: { ...process.env, FORCE_COLOR: '0', ...env },
  });
  return result.status === 0;
}

function heading(name) {
  console.log(`\n== ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
}
