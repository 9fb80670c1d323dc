// Figures of locks on this machine, for docs/measured.md:
//   node test/bench/locks.mjs [--only latency,rate,kill,held] [--seconds 3] [--rounds 10] [--locks 10000,1000000] [--format json]
// latency: lock + unlock, idle and under event load, with 1, 3 and 5 executives. rate: locks per second of 1, 16 and
// 256 clients, on a resource each and on one. kill: from kill -9 of a holder's executive to the next grant.
// held: with so many locks held, on a resource each: memory of an executive, how long a node takes to join, the views that it
// took (one, unless an event loop stood still for longer than the token's time-out) and the worst delay of
// the event loops (the sender's is that of its life: before and after). A million: minutes, and about 1.5 GB for each of three executives.
// Run it on a quiet machine; compare ratios within one run, not absolute figures of different runs.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { socketConnector } from '@aisexec/ipc';
import { LockService } from '@aisexec/lck';

const CLUSTERS = [1, 3, 5];
const CLIENTS = [1, 16, 256];
const RATE_NODES = 3;
const EVENTS_PER_SECOND = 10_000;
const EVENT_TICK_MS = 10;
const EVENT_BYTES = 64;
const WARM_UP_SHARE = 0.1;
/** `LOCKS_PER_CLIENT_MAX` of the lock service. */
const LOCKS_PER_CLIENT = 4000;
const REQUESTS_IN_FLIGHT = 250;
const CLIENTS_AT_ONCE = 4;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'latency,rate,kill' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '10' },
    locks: { type: 'string', default: '10000' },
    format: { type: 'string', default: 'text' },
  },
});
const wanted = new Set(values.only.split(','));
const runMs = Number(values.seconds) * 1000;
const rounds = Number(values.rounds);
const results = [];

if (wanted.has('latency')) for (const nodes of CLUSTERS) await onCluster(nodes, measureLatency);
if (wanted.has('rate')) await onCluster(RATE_NODES, measureRate);
if (wanted.has('kill')) await onCluster(RATE_NODES, measureKill);
if (wanted.has('held')) {
  for (const count of values.locks.split(',').map(Number)) {
    await onCluster(RATE_NODES, (cluster) => measureHeld(cluster, count));
  }
}
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));

async function onCluster(nodes, measure) {
  const cluster = await LocalCluster.start({ nodes });
  const killAll = () => cluster.killAll();
  process.on('exit', killAll);
  await membersEverywhere(cluster);
  await measure(cluster);
  await cluster.stop();
  process.off('exit', killAll);
}

async function measureLatency(cluster) {
  const count = cluster.nodes.length;
  await reportLockTimes(cluster, `lock + unlock, ${count} node(s), idle`);
  const load = await startEvents(cluster.nodes.at(-1));
  await reportLockTimes(cluster, `lock + unlock, ${count} node(s), under events`);
  report(`events meanwhile, ${count} node(s)`, await load.stop(), '/s');
}

/** One client of the first node, one lock after the other. */
async function reportLockTimes(cluster, what) {
  const service = await LockService.connect({ socket: cluster.nodes[0].socket });
  const resource = await service.open('latency', { create: true });
  const times = [];
  const end = performance.now() + runMs;
  while (performance.now() < end) {
    const at = performance.now();
    const lock = await resource.acquire('EX');
    await lock.unlock();
    times.push((performance.now() - at) * 1000);
  }
  await service.close();
  reportTimes(what, times.slice(Math.floor(times.length * WARM_UP_SHARE)), 'us');
}

/** Publishes at a steady rate on one node. `stop` resolves with the rate that was accepted. */
async function startEvents(node) {
  const service = await EventService.connect({ socket: node.socket });
  const channel = await service.open('load', { create: true, publisher: true });
  const data = Buffer.alloc(EVENT_BYTES, 1);
  const started = performance.now();
  let due = 0;
  let accepted = 0;
  let running = true;
  const publishing = (async () => {
    while (running) {
      const until = ((performance.now() - started) / 1000) * EVENTS_PER_SECOND;
      const batch = [];
      // What a full queue held up is not made good in one burst.
      for (due = Math.max(due, until - EVENTS_PER_SECOND / 10); due < until; due++) {
        batch.push(channel.publish({ data }).then(() => accepted++));
      }
      await Promise.all(batch);
      await delay(EVENT_TICK_MS);
    }
  })();
  return {
    async stop() {
      running = false;
      await publishing;
      const rate = accepted / ((performance.now() - started) / 1000);
      await service.close();
      return rate;
    },
  };
}

async function measureRate(cluster) {
  for (const count of CLIENTS) {
    const services = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        LockService.connect({ socket: cluster.nodes[i % cluster.nodes.length].socket }),
      ),
    );
    for (const shared of [false, true]) {
      const what = `locks by ${count} client(s), ${shared ? 'one resource' : 'a resource each'}`;
      report(what, await lockRate(services, shared), '/s');
    }
    await Promise.all(services.map((service) => service.close()));
  }
}

/** Every client locks and unlocks for the time of the run. */
async function lockRate(services, shared) {
  const nameOf = (i) => (shared ? 'shared' : `own ${i}`);
  const resources = await Promise.all(
    services.map((service, i) => service.open(nameOf(i), { create: true })),
  );
  let locks = 0;
  const started = performance.now();
  const end = started + runMs;
  await Promise.all(
    resources.map(async (resource) => {
      while (performance.now() < end) {
        const lock = await resource.acquire('EX');
        locks++;
        await lock.unlock();
      }
    }),
  );
  const rate = locks / ((performance.now() - started) / 1000);
  await Promise.all(resources.map((resource) => resource.close()));
  return rate;
}

/** The victim's client holds, a survivor's waits; the node comes back after each round. */
async function measureKill(cluster) {
  const survivor = await LockService.connect({ socket: cluster.nodes[0].socket });
  const resource = await survivor.open('killed', { create: true });
  const victim = cluster.nodes.at(-1);
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const holder = await LockService.connect({ socket: victim.socket });
    await (await holder.open('killed')).acquire('EX');
    const next = resource.acquire('EX');
    const at = performance.now();
    victim.kill();
    const lock = await next;
    times.push(performance.now() - at);
    await lock.unlock();
    await holder.close();
    await victim.exited();
    await victim.start();
    await membersEverywhere(cluster);
  }
  await survivor.close();
  reportTimes('kill -9 of the holder’s node to the next grant', times, 'ms');
}

/** Locks held by clients of the first node; the last one leaves before and joins after they were taken. */
async function measureHeld(cluster, count) {
  const [first, , last] = cluster.nodes;
  report(`join with no locks held`, await rejoin(cluster, last), 'ms');
  last.kill();
  await last.exited();
  const before = memoryOf(first);
  const started = performance.now();
  const connections = await holdLocks(first.socket, count);
  report(`${count} locks taken`, count / ((performance.now() - started) / 1000), '/s');
  report(
    `memory of an executive for each of ${count} locks`,
    (memoryOf(first) - before) / count,
    'B',
  );
  const quiet = await statusOf(first);
  report(`join with ${count} locks held`, await rejoin(cluster, last), 'ms');
  report(`memory of the joined executive, ${count} locks`, memoryOf(last) / 2 ** 20, 'MiB');
  const [sender, joiner] = await Promise.all([first, last].map(statusOf));
  const views = sender.counters.host.views - quiet.counters.host.views;
  report(`views of the sender for that join`, views, '');
  report(`worst event-loop delay of the sender, before`, quiet.eventLoop.maxMs, 'ms');
  report(`worst event-loop delay of the sender, after`, sender.eventLoop.maxMs, 'ms');
  report(`worst event-loop delay of the joined executive`, joiner.eventLoop.maxMs, 'ms');
  // Which the lock service must still be able to do in no time.
  await reportLockTimes(cluster, `lock + unlock beside ${count} held`);
  await Promise.all(connections.map((connection) => connection.close()));
}

/** Below the client library, whose own objects for a million locks would be most of what is measured. */
async function holdLocks(socket, count) {
  const clients = Array.from({ length: Math.ceil(count / LOCKS_PER_CLIENT) }, (_, i) => i);
  const connections = [];
  const next = async () => {
    for (let i = clients.shift(); i !== undefined; i = clients.shift()) {
      const connection = await socketConnector(socket).connect('lck');
      connections.push(connection);
      const own = Math.min(LOCKS_PER_CLIENT, count - i * LOCKS_PER_CLIENT);
      for (let from = 0; from < own; from += REQUESTS_IN_FLIGHT) {
        const size = Math.min(REQUESTS_IN_FLIGHT, own - from);
        const batch = Array.from({ length: size }, (_, j) => holdOne(connection, i, from + j));
        await Promise.all(batch);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, next));
  return connections;
}

async function holdOne(connection, client, index) {
  const handle = BigInt(index + 1);
  const name = `held ${client} ${index}`;
  const lock = { handle, lockId: handle, mode: 2, flags: 0, waiterSignal: 0n, detect: false };
  await accepted(connection, 'open', { handle, name, create: true, notify: false });
  await accepted(connection, 'lock', lock);
}

async function accepted(connection, fn, request) {
  for (;;) {
    const { rc } = await connection.request(fn, request);
    if (rc === 1) return;
    if (rc !== 6) throw new Error(`${fn} was answered ${rc}`);
    await delay(EVENT_TICK_MS);
  }
}

/** The node ends, if it has not, and starts: from its start to its own view of all nodes. */
async function rejoin(cluster, node) {
  node.kill();
  await node.exited();
  const complete = node.sees(cluster.nodes.length);
  const started = performance.now();
  await node.start();
  await complete;
  return performance.now() - started;
}

async function statusOf(node) {
  const connection = await socketConnector(node.socket).connect('admin');
  try {
    return (await connection.request('status', null)).status;
  } finally {
    await connection.close();
  }
}

function memoryOf(node) {
  const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
}

async function membersEverywhere(cluster) {
  await Promise.all(
    cluster.nodes.map(async (node) => {
      const membership = await Membership.connect({ socket: node.socket });
      for await (const { members } of membership.track()) {
        if (members.length === cluster.nodes.length) break;
      }
      await membership.close();
    }),
  );
}

function report(what, value, unit) {
  results.push({ what, value: Number(value.toFixed(3)), unit });
  if (values.format === 'text')
    console.log(`${what.padEnd(64)} ${value.toFixed(value < 10 ? 3 : 0).padStart(10)} ${unit}`);
}

function reportTimes(what, times, unit) {
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  report(`${what}, median`, at(0.5), unit);
  report(`${what}, p99`, at(0.99), unit);
}
