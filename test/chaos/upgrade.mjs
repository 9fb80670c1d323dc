// A rolling upgrade under load of all four services, node by node, there and back, and so on. Nothing acknowledged and
// no lock of those that stay may be lost.
//   node test/chaos/upgrade.mjs [--rounds 20] [--nodes 3] [--engine totem|corosync] [--from HEAD~1]     (or AISEXEC_UPGRADE_FROM)
// restarts executives as those of another commit; prints `skipped: …` and succeeds where that commit cannot be had.
//   node test/chaos/upgrade.mjs --of corosync
// (root, corosync) restarts the Corosync below each executive, as one of another version string with another
// configuration, while the executive runs on: it must be alone at once, tell its clients, and come back by itself.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LockService } from '@aisexec/lck';
import { Application } from '../../examples/live/application.mjs';
import { compareBooks } from '../../examples/live/unattended.mjs';
import { prepareCluster } from './ground.mjs';
import { checkHistories } from './histories.mjs';
import { buildOther } from './other-build.mjs';
import { OLD_TOTEM, otherCorosync } from './other-corosync.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    nodes: { type: 'string', default: '3' },
    of: { type: 'string', default: 'executive' },
    engine: { type: 'string', default: 'totem' },
    from: { type: 'string', default: process.env['AISEXEC_UPGRADE_FROM'] ?? 'HEAD~1' },
  },
});
/** Until what was acknowledged has arrived, or is given up as lost. */
const ARRIVAL_MS = 30_000;
/** Acknowledged publications of every application before the next node is restarted. */
const WORK_PER_STEP = 10;
const isBelow = values.of === 'corosync';

const other = isBelow ? undefined : buildOther(values.from);
if (other?.skipped !== undefined) {
  console.log(`skipped: ${other.skipped}`);
  process.exit(0);
}
const forbidden = [];
const nodes = { nodes: Number(values.nodes), onLog: watch };
const { cluster, lab, stop } = await prepareCluster(
  isBelow ? 'corosync' : values.engine,
  isBelow ? { ...nodes, totem: OLD_TOTEM } : nodes,
);
process.on('exit', () => other?.remove());
const upgrade = isBelow ? otherCorosync(lab) : ofExecutive();
console.log(`from ${upgrade.from} and back, ${values.rounds} rounds`);
for (const node of cluster.nodes) upgrade.prepare(node);
await cluster.startAll();
const applications = cluster.nodes.map((node) => new Application(node));
await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();
const problems = [];
const strikes = [];
let restarts = 0;
let toldMs = 0;

for (let round = 1; round <= Number(values.rounds) && problems.length === 0; round++) {
  // There and back again: an upgrade that cannot be undone is a trap.
  const isNew = round % 2 === 1;
  for (const node of cluster.nodes) await step(node, isNew);
  console.log(`round ${round}: ${isNew ? 'upgraded' : 'downgraded'}`);
}
const report = await compareBooks({ cluster, applications });
const books = applications.map((application) => application.books);
for (const { ok, check, against } of [...report.checks, ...checkHistories(books, strikes)]) {
  if (!ok) problems.push(`${check}: NO: ${against.join('; ')}`);
}
problems.push(...forbidden);
const acknowledged = books.reduce(
  (sum, { published, writes, grants }) => sum + published.length + writes + grants.length,
  0,
);
await Promise.all(applications.map((application) => application.stop()));
await stop();
for (const problem of problems) console.log(problem);
if (isBelow)
  console.log(`clients were told at most ${Math.round(toldMs)} ms after the order to stop`);
console.log(
  `${restarts} restarts, ${acknowledged} acknowledged events, writes and locks, ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);

function ofExecutive() {
  return {
    from: other.commit.slice(0, 12),
    prepare(node) {
      node.program = other.program;
    },
    down: (node) => node.stop(),
    up(node, isNew) {
      node.program = isNew ? undefined : other.program;
      return node.start();
    },
  };
}

/** One node is restarted as the other version; meanwhile the others work, and one of them holds a lock. */
async function step(node, isNew) {
  const staying = applications.filter((_, index) => cluster.nodes[index] !== node);
  const keeperNode = cluster.nodes.find((one) => one !== node);
  const [keeper, leaver] = await Promise.all(
    [keeperNode, node].map(({ socket }) => LockService.connect({ socket })),
  );
  const kept = await (await keeper.open('kept', { create: true })).acquire('EX');
  const lost = await (await leaver.open('lost', { create: true })).acquire('EX');
  const before = new Set(acknowledgedEvents(staying));
  await work(staying);
  const together = cluster.nodes.map((one) => one.sees(cluster.nodes.length));
  const strike = { node: node.id, from: performance.now(), until: Number.POSITIVE_INFINITY };
  strikes.push(strike);
  lost.signal.addEventListener('abort', () => {
    toldMs = Math.max(toldMs, performance.now() - strike.from);
  });
  const { pid } = node;
  await upgrade.down(node);
  await eventually(`the client of ${node.name} was told`, () => lost.signal.aborted);
  await work(staying);
  await upgrade.up(node, isNew);
  await Promise.all(together);
  strike.until = performance.now();
  restarts++;
  if (isBelow && node.pid !== pid) problems.push(`${node.name} did not live through it`);
  await work(applications);
  await checkLock(node, kept);
  await Promise.allSettled([keeper.close(), leaver.close()]);
  // What a node published while it was alone, it published to its own clients.
  const during = acknowledgedEvents(staying).filter((id) => !before.has(id));
  for (const application of staying) await arrived(application, during);
}

function acknowledgedEvents(some) {
  return some.flatMap(({ books }) => books.published);
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
