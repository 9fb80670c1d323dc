// A rolling upgrade under load: executives of another commit are restarted one by one as these, then back, and so
// on; every step under the load of all four services. Nothing acknowledged and no lock may be lost.
//   node test/chaos/upgrade.mjs [--rounds 20] [--nodes 3] [--from HEAD~1]     (or AISEXEC_UPGRADE_FROM)
// Prints `skipped: …` and succeeds where the other commit cannot be had.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { Application } from '../../examples/live/application.mjs';
import { compareBooks } from '../../examples/live/unattended.mjs';
import { buildOther } from './other-build.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    nodes: { type: 'string', default: '3' },
    from: { type: 'string', default: process.env['AISEXEC_UPGRADE_FROM'] ?? 'HEAD~1' },
  },
});
/** Until what was acknowledged has arrived, or is given up as lost. */
const ARRIVAL_MS = 30_000;
/** Acknowledged publications of every application before the next node is restarted. */
const WORK_PER_STEP = 10;

const other = buildOther(values.from);
if (other.skipped !== undefined) {
  console.log(`skipped: ${other.skipped}`);
  process.exit(0);
}
console.log(`from ${other.commit.slice(0, 12)} and back, ${values.rounds} rounds`);
const forbidden = [];
const cluster = await LocalCluster.prepare({ nodes: Number(values.nodes), onLog: watch });
process.on('exit', () => {
  cluster.killAll();
  other.remove();
});
for (const node of cluster.nodes) node.program = other.program;
await cluster.startAll();
const applications = cluster.nodes.map((node) => new Application(node));
await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();
const problems = [];
let restarts = 0;

for (let round = 1; round <= Number(values.rounds) && problems.length === 0; round++) {
  // There and back again: an upgrade that cannot be undone is a trap.
  const program = round % 2 === 1 ? undefined : other.program;
  for (const node of cluster.nodes) await step(node, program);
  console.log(`round ${round}: ${program === undefined ? 'upgraded' : 'downgraded'}`);
}
const report = await compareBooks({ cluster, applications });
for (const { ok, check, against } of report.checks) {
  if (!ok) problems.push(`${check}: NO: ${against.join('; ')}`);
}
problems.push(...forbidden);
const acknowledged = applications.reduce(
  (sum, { books }) => sum + books.published.length + books.writes + books.grants.length,
  0,
);
await Promise.all(applications.map((application) => application.stop()));
await cluster.stop();
for (const problem of problems) console.log(problem);
console.log(
  `${restarts} restarts, ${acknowledged} acknowledged events, writes and locks, ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);

/** One node is restarted as the other version; meanwhile the others work, and one of them holds a lock. */
async function step(node, program) {
  const staying = applications.filter((_, index) => cluster.nodes[index] !== node);
  const keeperNode = cluster.nodes.find((one) => one !== node);
  const keeper = await LockService.connect({ socket: keeperNode.socket });
  const kept = await (await keeper.open('kept', { create: true })).acquire('EX');
  const before = new Set(acknowledgedEvents());
  await work(staying);
  const together = cluster.nodes.map((one) => one.sees(cluster.nodes.length));
  await node.stop();
  await work(staying);
  node.program = program;
  await node.start();
  await Promise.all(together);
  restarts++;
  await work(applications);
  await checkLock(node, kept);
  await keeper.close();
  const during = acknowledgedEvents().filter((id) => !before.has(id));
  for (const application of staying) await arrived(application, during);
}

function acknowledgedEvents() {
  return applications.flatMap(({ books }) => books.published);
}

/** Every one of these applications gets some more done, in every way. */
async function work(some) {
  const done = (books) => [books.published.length, books.writes];
  const starts = some.map(({ books }) => done(books));
  await eventually('work went on', () =>
    some.every(({ books }, index) =>
      done(books).every((count, kind) => count >= starts[index][kind] + WORK_PER_STEP),
    ),
  );
}

/** Still held for the keeper's client, and for the restarted node, too. */
async function checkLock(node, kept) {
  if (kept.signal.aborted) problems.push(`a lock was lost while ${node.name} was restarted`);
  const rival = await LockService.connect({ socket: node.socket });
  const resource = await rival.open('kept', { create: true });
  const taken = await resource.tryAcquire('EX');
  if (taken !== null && taken !== undefined) {
    problems.push(`${node.name} was granted a lock that is held`);
  }
  await rival.close();
}

async function arrived({ books }, events) {
  const missing = () => {
    const received = new Set(books.received);
    return events.filter((id) => !received.has(id));
  };
  await eventually(
    'all events arrived',
    () => missing().length === 0,
    () => missing().slice(0, 5).join(' '),
  );
}

async function eventually(what, holds, detail = () => '') {
  const end = performance.now() + ARRIVAL_MS;
  while (!holds()) {
    if (performance.now() > end) {
      problems.push(`not true after ${ARRIVAL_MS} ms: ${what} ${detail()}`);
      return;
    }
    await delay(20);
  }
}

/** What an upgrade must never cause. */
function watch(node, line) {
  const { event, ...detail } = JSON.parse(line);
  if (!['state-diverged', 'service-failed', 'failed', 'crash'].includes(event)) return;
  if (forbidden.length < 20) forbidden.push(`${node.name}: ${event} ${JSON.stringify(detail)}`);
}
