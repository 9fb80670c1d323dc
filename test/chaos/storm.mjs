// A storm over real processes: faults at random, up to one fewer at a time than there are nodes, under the live
// example's load; after every round calm, and the books of all applications are compared.
//   node test/chaos/storm.mjs [--nodes 5] [--cycles 100] [--round 25] [--seed 1] [--engine totem|corosync]
// A cycle is one fault and, some time later, its end: kill -9 or SIGSTOP of an executive; with the engine corosync (as
// root; each node is a network namespace with a corosync daemon, knet, aes256, sha256) also of a daemon, of both, and
// a cut cable. Ends with a line `N cycles, N violations`.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Application } from '../../examples/live/application.mjs';
import { statusOf } from '../../examples/live/status.mjs';
import { compareBooks } from '../../examples/live/unattended.mjs';
import { prepareCluster } from './ground.mjs';
import { checkHistories } from './histories.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    cycles: { type: 'string', default: '100' },
    round: { type: 'string', default: '25' },
    engine: { type: 'string', default: 'totem' },
    seed: { type: 'string', default: '1' },
  },
});
/** For those that are whole to form a view, and then for their applications. */
const RECOVERY_MS = 15_000;
const WORK_MS = 300;
const random = generator(Number(values.seed));
const oneOf = (list) => list[Math.floor(random() * list.length)];
const { cluster, lab, stop } = await prepareCluster(
  values.engine,
  { nodes: Number(values.nodes) },
  { storm: true },
);
await cluster.startAll();

/** name: [what befalls a node, its end]. `forgets`: the state in its memory is gone. */
const FAULTS = {
  'kill executive': {
    forgets: true,
    strike: killExecutive,
    end: (node) => node.start(),
  },
  'stop executive': {
    strike: ({ pid }) => process.kill(pid, 'SIGSTOP'),
    end: ({ pid }) => process.kill(pid, 'SIGCONT'),
  },
};
const FAULTS_BELOW = {
  'kill corosync': {
    strike: ({ id }) => lab.node(id).stop('SIGKILL'),
    end: ({ id }) => lab.node(id).start(),
  },
  'stop corosync': {
    strike: ({ id }) => lab.node(id).signal('SIGSTOP'),
    end: ({ id }) => lab.node(id).signal('SIGCONT'),
  },
  'kill machine': {
    forgets: true,
    strike: (node) => Promise.all([lab.node(node.id).stop('SIGKILL'), killExecutive(node)]),
    end: (node) => node.start(),
  },
  'stop machine': { strike: (node) => node.pause(), end: (node) => node.resume() },
  partition: {
    strike: ({ id }) => lab.cut([id], true),
    end: ({ id }) => lab.cut([id], false),
  },
};
const faults = Object.entries(lab === undefined ? FAULTS : { ...FAULTS, ...FAULTS_BELOW });
/** `late`: who was not struck took longer than that to go on. */
const counts = Object.fromEntries([...faults.map(([name]) => [name, 0]), ['late', 0]]);
const tokens = new Set();
/** What is struck now, and everything that was in this round. */
let open = [];
let strikes = [];
let cycles = 0;
let violations = 0;

while (cycles < Number(values.cycles) && violations === 0) {
  const applications = cluster.nodes.map((node) => new Application(node));
  await Promise.all(applications.map((application) => application.start()));
  for (const application of applications) application.begin();
  strikes = [];
  const last = Math.min(cycles + Number(values.round), Number(values.cycles));
  while (cycles < last) {
    const isFull = open.length === cluster.nodes.length - 1;
    if (!isFull && random() < 0.4 ** open.length) await strike();
    else await end(oneOf(open));
    // Most faults hit whatever is going on, some a cluster that works again.
    if (random() < 0.75) await delay(random() * 1_500);
    else await recovered();
  }
  while (open.length > 0) await end(open[0]);
  await lab?.ring(lab.nodes.map(({ id }) => id));
  await judge(applications);
  await Promise.all(applications.map((application) => application.stop()));
}
await stop();
console.log(JSON.stringify(counts));
console.log(`${cycles} cycles, ${violations} violations`);
process.exit(violations === 0 ? 0 : 1);

async function strike() {
  const node = oneOf(whole());
  const [name, fault] = oneOf(faults);
  if (fault.forgets && !(await mayForget())) return;
  cycles++;
  counts[name]++;
  const one = { node, fault, from: performance.now(), until: Number.POSITIVE_INFINITY };
  open.push(one);
  strikes.push(one);
  await fault.strike(node);
}

async function end(one) {
  open = open.filter((other) => other !== one);
  await one.fault.end(one.node);
  one.until = performance.now();
}

/**
 * States live in memory: what was acknowledged survives only as long as some of those that have it stay together as
 * a majority with those that come back empty. So a node forgets only while all that are not struck are one
 * quorate view and nothing but forgetting is under way.
 */
async function mayForget() {
  const minority = Math.floor((cluster.nodes.length - 1) / 2);
  if (open.length >= minority || open.some(({ fault }) => !fault.forgets)) return false;
  return areTogether(whole());
}

function whole() {
  return cluster.nodes.filter((node) => open.every((struck) => struck.node !== node));
}

/** Those that are not struck work on, if they can: a bound, since too many may be. */
async function recovered() {
  const rest = whole();
  if (rest.length <= cluster.nodes.length / 2) return;
  const end = performance.now() + RECOVERY_MS;
  while (performance.now() < end && !(await areTogether(rest))) await delay(50);
  if (performance.now() >= end) counts.late++;
  await delay(WORK_MS);
}

/** All of these, and none other, are one quorate view that is synchronised. */
async function areTogether(nodes) {
  const all = await Promise.all(nodes.map((node) => statusOf(node)));
  const ids = nodes.map(({ id }) => id).join();
  const isRight = ({ view, ring } = {}) =>
    view?.quorate && view.ring === ring.id && view.members.map(({ id }) => id).join() === ids;
  return all.every(isRight) && new Set(all.map(({ view }) => view.ring)).size === 1;
}

async function killExecutive(node) {
  const gone = node.exited();
  process.kill(node.pid, 'SIGKILL');
  await gone;
}

async function judge(applications) {
  const report = await compareBooks({ cluster, applications });
  const books = applications.map((application) => application.books);
  const struck = strikes.map(({ node, ...times }) => ({ node: node.id, ...times }));
  const grants = books.flatMap((one) => one.grants);
  const again = grants.filter(({ token }) => tokens.has(token));
  for (const { token } of grants) tokens.add(token);
  const checks = [
    ...report.checks,
    ...checkHistories(books, struck),
    { ok: again.length === 0, check: 'no token of an earlier round', against: again },
  ];
  const sum = (count) => books.reduce((total, one) => total + count(one), 0);
  console.log(
    `${cycles} cycles: ${sum((one) => one.published.length)} events, ${sum((one) => one.writes)} writes, ` +
      `${grants.length} locks, ${sum((one) => one.sessions)} sessions`,
  );
  for (const { ok, check, against } of checks) {
    if (ok) continue;
    violations++;
    console.log(`NO  ${check}: ${against.map((one) => one.token ?? one).join('; ')}`);
  }
  if (violations > 0) console.log(JSON.stringify(report.nodes, null, 2));
}

function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
