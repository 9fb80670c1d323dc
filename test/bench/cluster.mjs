// Figures of three executives on this machine, for docs/measured.md:
//   node test/bench/cluster.mjs [--only start,kill,lock,event,ckpt,memory] [--format json]
// Run it on a quiet machine; compare ratios within one run, not absolute figures of different runs.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';

const SIZES = (process.env.SIZES ?? '64,1024,65280').split(',').map(Number);
const RUN_MS = 4000;
const IN_FLIGHT = 128;
const LOCK_ROUNDS = 5000;
const KILL_ROUNDS = 10;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'start,memory,kill,lock,event,ckpt' },
    format: { type: 'string', default: 'text' },
  },
});
const wanted = new Set(values.only.split(','));
const results = [];

const coldStart = performance.now();
const cluster = await LocalCluster.start({ nodes: 3 });
process.on('exit', () => cluster.killAll());
await membersEverywhere(cluster, 3);
if (wanted.has('start'))
  report('cold start of three until all see three', performance.now() - coldStart, 'ms');
if (wanted.has('memory')) await measureMemory(cluster, 'idle');
if (wanted.has('lock')) await measureLock(cluster);
for (const size of SIZES) if (wanted.has('event')) await measureEvents(cluster, size);
for (const size of SIZES) if (wanted.has('ckpt')) await measureCheckpoint(cluster, size);
if (wanted.has('memory')) await measureMemory(cluster, 'after the load');
if (wanted.has('kill')) await measureKill(cluster);
await cluster.stop();
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));

function report(what, value, unit) {
  results.push({ what, value: Number(value.toFixed(3)), unit });
  if (values.format === 'text')
    console.log(`${what.padEnd(64)} ${value.toFixed(value < 10 ? 3 : 0).padStart(10)} ${unit}`);
}

/** Resolves when every running node's membership service shows `count` members. */
async function membersEverywhere(cluster, count) {
  const up = cluster.nodes.filter((node) => node.condition === 'up');
  await Promise.all(
    up.map(async (node) => {
      const membership = await Membership.connect({ socket: node.socket });
      await membersAre(membership, count);
      await membership.close();
    }),
  );
}

async function membersAre(membership, count) {
  for await (const { members } of membership.track()) if (members.length === count) return;
}

async function measureMemory(cluster, when) {
  await delay(2000);
  for (const node of cluster.nodes) {
    const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
    report(
      `resident memory ${when}, ${node.name}`,
      Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
      'MiB',
    );
  }
}

/** From kill -9 until a survivor's client is told that the node is gone; the node comes back each time. */
async function measureKill(cluster) {
  const survivor = await Membership.connect({ socket: cluster.nodes[0].socket });
  const victim = cluster.nodes[2];
  const times = [];
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const noticed = membersAre(survivor, 2);
    const at = performance.now();
    victim.kill();
    await noticed;
    times.push(performance.now() - at);
    await victim.exited();
    await victim.start();
    await membersEverywhere(cluster, 3);
  }
  await survivor.close();
  reportTimes('killed node noticed', times, 'ms');
}

async function measureLock(cluster) {
  const services = await Promise.all(
    cluster.nodes.map((node) => LockService.connect({ socket: node.socket })),
  );
  const resource = await services[0].open('bench', { create: true });
  const times = [];
  for (let round = 0; round < LOCK_ROUNDS; round++) {
    const at = performance.now();
    const lock = await resource.acquire('EX');
    await lock.unlock();
    if (round >= LOCK_ROUNDS / 10) times.push((performance.now() - at) * 1000);
  }
  reportTimes('lock + unlock, one client, two idle', times, 'us');
  await Promise.all(services.map((service) => service.close()));
}

/** One publisher, `IN_FLIGHT` publishes outstanding; counted where they are delivered, on another node. */
async function measureEvents(cluster, size) {
  const publisher = await EventService.connect({ socket: cluster.nodes[0].socket });
  const subscriber = await EventService.connect({ socket: cluster.nodes[1].socket });
  const sending = await publisher.open('bench', { create: true, publisher: true });
  const receiving = await subscriber.open('bench', { create: true, subscriber: true });
  const data = Buffer.alloc(size, 1);
  let delivered = 0;
  let lost = 0;
  const stop = new AbortController();
  const subscription = receiving.subscribe([], { signal: stop.signal });
  await subscription.ready;
  const listening = (async () => {
    for await (const item of subscription) {
      if (item.type === 'lost') lost++;
      else delivered++;
    }
  })().catch(() => {});
  const published = await saturate(() => sending.publish({ data }));
  const seconds = RUN_MS / 1000;
  await delay(200);
  stop.abort();
  await listening;
  report(`events acknowledged, ${size} B`, published / seconds, '/s');
  report(
    `events delivered on another node, ${size} B${lost > 0 ? ` (${lost} lost markers)` : ''}`,
    delivered / seconds,
    '/s',
  );
  await publisher.close();
  await subscriber.close();
}

async function measureCheckpoint(cluster, size) {
  const service = await CheckpointService.connect({ socket: cluster.nodes[0].socket });
  const checkpoint = await service.open(`bench-${size}`, {
    create: { maxSections: 1, maxSectionBytes: size },
  });
  const data = Buffer.alloc(size, 1);
  const section = checkpoint.section();
  const writes = await saturate(() => section.overwrite(data));
  report(`checkpoint writes, ${size} B`, writes / (RUN_MS / 1000), '/s');
  await service.close();
}

/** Keeps IN_FLIGHT calls outstanding for RUN_MS; returns how many completed in that time. */
async function saturate(call) {
  const end = performance.now() + RUN_MS;
  let completed = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await call();
      completed++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return completed;
}

function reportTimes(what, times, unit) {
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  report(`${what}, median`, at(0.5), unit);
  report(`${what}, p99`, at(0.99), unit);
}
