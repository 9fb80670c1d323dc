// Left alone: a cluster under the live example's mixed load for a long time. Nobody is killed, so every change of
// membership is a false accusation; memory and descriptors of the executives must not grow. A line a minute, then
// the verdict: accusations, slope of the resident memory over the second half, descriptors, the worst pause seen.
//   node test/chaos/soak.mjs [--minutes 120] [--nodes 3] [--hogs 2] [--connects 10000] [--engine totem|corosync] [--format json]
// `--hogs` are processes that spin and collect garbage beside the cluster, to load the machine. `--connects`: after
// the load, when the applications are gone, so many clients come to each executive, one after another, and go: half
// of them in good order, a quarter with a lock in the hand, a quarter in mid-word. Memory and descriptors before the first, after a tenth (by then
// every buffer that is kept has been made), and after the last.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LockService } from '@aisexec/lck';
import { Application } from '../../examples/live/application.mjs';
import { statusOf } from '../../examples/live/status.mjs';
import { prepareCluster } from './ground.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '120' },
    nodes: { type: 'string', default: '3' },
    hogs: { type: 'string', default: '0' },
    connects: { type: 'string', default: '0' },
    engine: { type: 'string', default: 'totem' },
    format: { type: 'string', default: 'text' },
  },
});
const SAMPLE_MS = 10_000;
const SAMPLES_A_LINE = 6;
/** How much a change of membership adds to the ring's sequence at least: Totem §4, ADR 148. */
const SEQUENCE_STEP = values.engine === 'totem' ? 4 : 1;
const HOG =
  'for (let kept = [];;) { kept.push(new Array(1000).fill({})); if (kept.length > 1e3) kept = []; }';

const { cluster, stop } = await prepareCluster(values.engine, { nodes: Number(values.nodes) });
await cluster.startAll();
const hogs = Array.from({ length: Number(values.hogs) }, () =>
  spawn(process.execPath, ['-e', HOG], { stdio: 'ignore' }),
);
process.on('exit', () => {
  for (const hog of hogs) hog.kill('SIGKILL');
});
const applications = cluster.nodes.map((node) => new Application(node));
await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();
const before = Math.max(...(await rings()));

const samples = [];
const started = performance.now();
const end = started + Number(values.minutes) * 60_000;
while (performance.now() < end) {
  await delay(Math.min(SAMPLE_MS, end - performance.now()));
  samples.push({
    minute: (performance.now() - started) / 60_000,
    load: loadavg()[0],
    nodes: cluster.nodes.map(usage),
  });
  if (values.format === 'text' && samples.length % SAMPLES_A_LINE === 0) print(samples.at(-1));
}
const verdict = {
  minutes: Number(values.minutes),
  meanLoad: mean(samples.map(({ load }) => load)),
  accusations: Math.max(...(await rings()).map((sequence) => sequence - before)) / SEQUENCE_STEP,
  events: applications.reduce((sum, { books }) => sum + books.received.length, 0),
  lost: applications.reduce(
    (sum, { books }) => sum + books.received.filter((id) => id === 'lost').length,
    0,
  ),
  writes: applications.reduce((sum, { books }) => sum + books.writes, 0),
  errors: applications.flatMap(({ books }) => books.errors),
  nodes: await Promise.all(cluster.nodes.map(judge)),
};
await Promise.all(applications.map((application) => application.stop()));
const connects = Number(values.connects);
if (connects > 0) verdict.connects = await connectAndLeave(connects);
if (values.format === 'json') console.log(JSON.stringify(verdict, null, 2));
else console.log(JSON.stringify(verdict));
await stop();
for (const hog of hogs) hog.kill('SIGKILL');
// One or two are opened late and once; a leak is one for every so many clients.
const leaks = (verdict.connects?.nodes ?? []).some(
  ({ descriptors: [, early, late] }) => late > early + 2,
);
process.exit(verdict.accusations === 0 && verdict.errors.length === 0 && !leaks ? 0 : 1);

/** The sequence of each node's ring. */
async function rings() {
  const found = await Promise.all(cluster.nodes.map((node) => statusOf(node, 10_000)));
  return found.map(({ ring }) => Number(ring.id.split('.')[1]));
}

function usage({ pid }) {
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { rssMiB: Number(rss[1]) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function judge(node, index) {
  const half = samples.slice(Math.floor(samples.length / 2));
  const points = half.map(({ minute, nodes }) => [minute, nodes[index].rssMiB]);
  const [first, last] = [samples[0].nodes[index], samples.at(-1).nodes[index]];
  const { eventLoop } = await statusOf(node, 10_000);
  return {
    rssMiB: [Math.round(first.rssMiB), Math.round(last.rssMiB)],
    rssMiBPerHour: Number((slope(points) * 60).toFixed(2)),
    descriptors: [first.descriptors, last.descriptors],
    worstPauseMs: Math.round(eventLoop.maxMs),
  };
}

async function connectAndLeave(count) {
  const path = { all: [await settledUsage()] };
  const started = performance.now();
  await Promise.all(cluster.nodes.map((node) => clients(node, Math.ceil(count / 10))));
  path.all.push(await settledUsage());
  await Promise.all(cluster.nodes.map((node) => clients(node, count - Math.ceil(count / 10))));
  const seconds = (performance.now() - started) / 1000;
  path.all.push(await settledUsage());
  return {
    each: count,
    perSecond: Math.round((count * cluster.nodes.length) / seconds),
    nodes: cluster.nodes.map((_, index) => ({
      rssMiB: path.all.map((usages) => Math.round(usages[index].rssMiB)),
      descriptors: path.all.map((usages) => usages[index].descriptors),
    })),
  };
}

/** Of four clients two take and release a lock, one leaves with it in the hand, one is cut off in mid-word. */
async function clients(node, count) {
  for (let i = 0; i < count; i++) {
    if (i % 4 === 3) {
      await cutOff(node);
      continue;
    }
    const locks = await LockService.connect({ socket: node.socket });
    const claim = await locks.claim(`soak-${node.id}-${i % 16}`);
    if (i % 4 !== 2) await claim.release();
    await locks.close();
  }
}

async function cutOff(node) {
  const socket = createConnection(node.socket);
  await once(socket, 'connect');
  // The beginning of a frame, whose rest never comes.
  await new Promise((resolve) => socket.write(Buffer.from([0, 0, 0, 100, 1]), resolve));
  socket.destroy();
}

/** Once no connection is left but the one that asks. */
async function settledUsage() {
  for (;;) {
    const found = await Promise.all(cluster.nodes.map((node) => statusOf(node, 10_000)));
    if (found.every(({ counters }) => counters.ipc.clients <= 1)) return cluster.nodes.map(usage);
    await delay(100);
  }
}

/** Least squares: what y gains per unit of x. */
function slope(points) {
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const over = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function print({ minute, load, nodes }) {
  const each = nodes.map(
    ({ rssMiB, descriptors }) => `${rssMiB.toFixed(0)} MiB ${descriptors} fds`,
  );
  console.log(`${minute.toFixed(1).padStart(6)} min  load ${load.toFixed(1)}  ${each.join('  ')}`);
}
