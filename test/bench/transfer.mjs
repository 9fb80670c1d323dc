// Figures of state that follows in the background, for docs/measured.md:
//   node test/bench/transfer.mjs [--mib 1024] [--section 65536] [--away 10] [--changed 0.01] [--format json]
// Three executives on this machine. A store is filled; node 3 is killed and starts again without anything: until it has everything
// (rate), publishes of node 1 to a subscriber on node 2 are timed and compared with quiet. Then it is cut short: paused for
// `--away` seconds while a part of the store changes, until it has everything again. Needs some 6 x the store's size of memory.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { socketConnector } from '@aisexec/ipc';

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    section: { type: 'string', default: '65536' },
    away: { type: 'string', default: '10' },
    changed: { type: 'string', default: '0.01' },
    quiet: { type: 'string', default: '5' },
    format: { type: 'string', default: 'text' },
  },
});
const [bytes, sectionBytes] = [Number(values.mib) * 1_048_576, Number(values.section)];
const sections = Math.floor(bytes / sectionBytes);
const FILL_WINDOW = 32;
const PUBLISH_PAUSE_MS = 2;
/** Rare: every question is a connection of its own, and the node that is asked is the one that is measured. */
const POLL_MS = 100;
const results = [];

const cluster = await LocalCluster.start({ nodes: 3 });
process.on('exit', () => cluster.killAll());
const [first, second, victim] = cluster.nodes;
await untilMembers(first, 3);
const before = cluster.nodes.map(rss);
const service = await CheckpointService.connect({ socket: first.socket });
const store = await service.open('store', {
  create: {
    maxSections: sections,
    maxSectionBytes: sectionBytes,
    retentionMs: Number.POSITIVE_INFINITY,
  },
});
await fill();
for (const [index, node] of cluster.nodes.entries()) {
  report(
    `memory per section of ${sectionBytes} B, ${node.name}`,
    (rss(node) - before[index]) / sections,
    'B',
  );
}
const events = await openEvents();
reportTimes('publish, quiet', await publishUntil(delay(Number(values.quiet) * 1000)));
await measureFresh();
await measureAway();
await events.close();
await service.close();
await cluster.stop();
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));

/** A node that comes back with nothing. */
async function measureFresh() {
  victim.kill();
  await victim.exited();
  await untilMembers(first, 2);
  let isIn;
  const joined = new Promise((resolve) => {
    isIn = resolve;
  });
  const joining = publishUntil(joined);
  await victim.start();
  const at = performance.now();
  const viewMs = await untilView(victim, at);
  isIn();
  const done = untilComplete(victim, at);
  const times = await publishUntil(done);
  const { doneMs, fetched } = await done;
  report('fresh node: until its view', viewMs, 'ms');
  report('fresh node: until everything is there', doneMs, 'ms');
  report('fresh node: fetched', fetched / 1_048_576, 'MiB');
  report('fresh node: rate', fetched / 1e3 / Math.max(1, doneMs - viewMs), 'MB/s');
  report('worst publish while the node joins', Math.max(...(await joining)), 'ms');
  reportTimes('publish during the transfer', times);
}

/** A node that is paused while a part of the store changes. */
async function measureAway() {
  const fetchedBefore = (await statusOf(victim)).counters.host.transferBytesFetched;
  victim.pause();
  const resumeAt = delay(Number(values.away) * 1000);
  await untilMembers(first, 2);
  const changed = Math.max(1, Math.round(sections * Number(values.changed)));
  const data = Buffer.alloc(sectionBytes, 9);
  await window(changed, (index) => store.section(`s${index}`).overwrite(data));
  await resumeAt;
  victim.resume();
  const at = performance.now();
  await untilMembers(victim, 3);
  const viewMs = await untilView(victim, at);
  const { doneMs, fetched } = await untilComplete(victim, at);
  report(`back after ${values.away} s: until its view`, viewMs, 'ms');
  report(`back after ${values.away} s: until everything is there`, doneMs, 'ms');
  report(
    `back after ${values.away} s: fetched of ${((changed * sectionBytes) / 1_048_576).toFixed(1)} MiB changed`,
    (fetched - fetchedBefore) / 1_048_576,
    'MiB',
  );
}

async function fill() {
  const data = Buffer.alloc(sectionBytes, 1);
  const at = performance.now();
  await window(sections, (index) => store.section(`s${index}`).create(data));
  const seconds = (performance.now() - at) / 1000;
  report(
    `filled ${values.mib} MiB in sections of ${sectionBytes} B`,
    bytes / 1e6 / seconds,
    'MB/s',
  );
}

/** `count` calls, so many at a time. */
async function window(count, call) {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: FILL_WINDOW }, worker));
}

/** Resolves with the time since `at` when the node has a view of three. */
async function untilView(node, at) {
  for (;;) {
    const status = await statusOf(node).catch(() => undefined);
    if (status?.view?.members.length === 3) return performance.now() - at;
    await delay(10);
  }
}

/** Resolves when the node has nothing to fetch any more. */
async function untilComplete(node, at) {
  for (;;) {
    const status = await statusOf(node);
    if (status.view !== null && status.transfers.length === 0) {
      const fetched = status.counters.host.transferBytesFetched;
      return { doneMs: performance.now() - at, fetched };
    }
    await delay(POLL_MS);
  }
}

async function openEvents() {
  const publisher = await EventService.connect({ socket: first.socket });
  const subscriber = await EventService.connect({ socket: second.socket });
  const sending = await publisher.open('latency', { create: true, publisher: true });
  const receiving = await subscriber.open('latency', { create: true, subscriber: true });
  const stop = new AbortController();
  const stream = receiving.subscribe([], { signal: stop.signal });
  await stream.ready;
  const listening = (async () => {
    for await (const _ of stream);
  })().catch(() => {});
  return {
    publish: () => sending.publish({ data: Buffer.alloc(64) }),
    async close() {
      stop.abort();
      await listening;
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  };
}

/** One publish after the other, timed, until `end` resolves. */
async function publishUntil(end) {
  const times = [];
  let isOver = false;
  void end.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const at = performance.now();
    await events.publish();
    times.push(performance.now() - at);
    await delay(PUBLISH_PAUSE_MS);
  }
  return times;
}

async function statusOf(node) {
  const connection = await socketConnector(node.socket).connect('admin');
  try {
    return (await connection.request('status', null)).status;
  } finally {
    await connection.close();
  }
}

async function untilMembers(node, count) {
  const membership = await Membership.connect({ socket: node.socket });
  for await (const { members } of membership.track()) if (members.length === count) break;
  await membership.close();
}

function rss(node) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]) * 1024;
}

function reportTimes(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  for (const [name, share] of [
    ['median', 0.5],
    ['p99', 0.99],
    ['worst', 1],
  ]) {
    const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
    report(`${what}, ${name} of ${sorted.length}`, sorted[at], 'ms');
  }
}

function report(what, value, unit) {
  results.push({ what, value: Number(value.toFixed(3)), unit });
  if (values.format === 'text')
    console.log(`${what.padEnd(64)} ${value.toFixed(value < 10 ? 3 : 0).padStart(10)} ${unit}`);
}
