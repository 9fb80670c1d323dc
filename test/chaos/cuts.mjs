// Sessions whose connections are cut at random bytes, under locks, events and checkpoints, and the books afterwards:
//   node test/chaos/cuts.mjs [--cuts 1000] [--seed 1] [--grace 5000] [--engine totem|corosync]
// Two real executives; the clients under test reach theirs through a relay in this process that cuts every connection after a
// random number of bytes, handshakes included. Witnesses at the other executive are not cut. Ends with a line of JSON and exit code
// 1 when something was lost or repeated, or a lock let go. `--grace 0` shows that the books notice: nothing is resumed.
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CheckpointService } from '@aisexec/ckpt';
import { EventService, textOf } from '@aisexec/evt';
import { socketConnector } from '@aisexec/ipc';
import { LockService } from '@aisexec/lck';
import { prepareCluster } from './ground.mjs';

const CUT_AFTER_BYTES_MAX = 16_384;
const PUBLISHES_AT_A_TIME = 8;
const SECTIONS_AT_A_TIME = 4;
const SETTLE_MS = 30_000;

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    grace: { type: 'string', default: '5000' },
    engine: { type: 'string', default: 'totem' },
  },
});
const wanted = Number(values.cuts);
const random = mulberry32(Number(values.seed));
const violations = [];
const wrong = (text) => violations.length < 20 && violations.push(text);
let cuts = 0;
const isOver = () => cuts >= wanted || violations.length > 0;

const { cluster, stop } = await prepareCluster(values.engine, { nodes: 2 });
await cluster.startAll();
const [near, far] = cluster.nodes;
const relayPath = join(near.directory, 'relay.sock');
const relay = await startRelay(near.socket, relayPath);
const cut = { socket: relayPath, graceMs: Number(values.grace) };
const straight = { socket: far.socket };
const started = performance.now();
const parts = { holdThroughout, takeTurns, tellEvents, writeSections };
const results = await Promise.all(Object.entries(parts).map(([name, part]) => guarded(name, part)));
const books = Object.assign({}, ...results);
const admin = await socketConnector(near.socket).connect('admin');
const { status } = await admin.request('status', null);
await admin.close();
const { ipc } = status.counters;
const seconds = Math.round((performance.now() - started) / 100) / 10;
console.log(
  JSON.stringify({ cuts, seen: ipc.cut, resumed: ipc.resumed, seconds, ...books, violations }),
);
relay.close();
await stop();
process.exit(violations.length === 0 ? 0 : 1);

/** A lock that is held from the first to the last cut, while a witness tries to get it. */
async function holdThroughout() {
  const [holder, rival] = await Promise.all([
    LockService.connect(cut),
    LockService.connect(straight),
  ]);
  const held = await (await holder.open('held', { create: true })).acquire('EX');
  const resource = await rival.open('held', { create: true });
  let tries = 0;
  while (!isOver()) {
    const stolen = await resource.tryAcquire('EX');
    if (stolen !== undefined) wrong('the lock that is held was granted to another');
    tries++;
    await delay(5);
  }
  if (held.lost !== undefined) wrong(`the lock that is held was lost: ${held.lost}`);
  await close(holder, rival);
  return { tries };
}

/** A client that is cut and one that is not take turns under one lock. */
async function takeTurns() {
  let inside = 0;
  let lastToken = 0n;
  const turns = [0, 0];
  await Promise.all(
    [cut, straight].map(async (options, index) => {
      const service = await LockService.connect(options);
      const resource = await service.open('turns', { create: true });
      while (!isOver()) {
        await guarded('a turn', async () => {
          const lock = await resource.acquire('EX');
          if (++inside !== 1) wrong('two holders of one exclusive lock');
          if (lock.fencingToken <= lastToken) wrong('a fencing token that does not rise');
          lastToken = lock.fencingToken;
          turns[index]++;
          await delay(random() * 2);
          inside--;
          await lock.unlock();
        });
      }
      await close(service);
    }),
  );
  return { turns };
}

/** Numbered events of a publisher that is cut; a subscriber that is cut must read what the witness reads. */
async function tellEvents() {
  const [publisher, subscriber, witness] = await Promise.all([
    EventService.connect(cut),
    EventService.connect(cut),
    EventService.connect(straight),
  ]);
  const channel = await publisher.open('numbers', { create: true, publisher: true });
  const [heard, expected] = [await reader(subscriber), await reader(witness)];
  let published = 0;
  const publish = async () => {
    while (!isOver()) {
      const data = `${published++}`.padEnd(Math.floor(random() * 400));
      await guarded('a publish', () => channel.publish({ data }));
    }
  };
  await Promise.all(Array.from({ length: PUBLISHES_AT_A_TIME }, publish));
  await settled(() => heard.length >= published && expected.length >= published);
  const unique = new Set(expected);
  if (unique.size !== expected.length) wrong('an event was published twice');
  if (unique.size !== published) wrong(`${published} events, the witness has ${unique.size}`);
  if (heard.join() !== expected.join()) wrong('the subscriber that was cut read something else');
  await close(publisher, subscriber, witness);
  return { published };
}

async function reader(service) {
  const channel = await service.open('numbers', { create: true, subscriber: true });
  const subscription = channel.subscribe([], { bufferMax: 1_000_000 });
  await subscription.ready;
  const read = [];
  (async () => {
    for await (const item of subscription) {
      if (item.type === 'lost') wrong('events were lost');
      else read.push(textOf(item.data).trimEnd());
    }
  })().catch((error) => wrong(`a subscription: ${error.message}`));
  return read;
}

/** Sections are created once: a create that was carried out twice is answered EXIST. */
async function writeSections() {
  const create = { maxSections: 1_000_000, maxSectionBytes: 64, retentionMs: 60_000 };
  const [writer, witness] = await Promise.all([
    CheckpointService.connect(cut),
    CheckpointService.connect(straight),
  ]);
  const [written, read] = await Promise.all([
    writer.open('sections', { create }),
    witness.open('sections', { create }),
  ]);
  let created = 0;
  const work = async () => {
    while (!isOver()) {
      const id = `${created++}`;
      await guarded('a section', () => written.section(id).create(Buffer.from(id)));
      await delay(2);
    }
  };
  await Promise.all(Array.from({ length: SECTIONS_AT_A_TIME }, work));
  const { sections } = await read.status();
  if (sections !== created) wrong(`${created} sections were created, ${sections} are there`);
  await close(writer, witness);
  return { created };
}

/** Nothing may fail as long as sessions are resumed. */
async function guarded(what, act) {
  try {
    return await act();
  } catch (error) {
    wrong(`${what}: ${error.message}`);
  }
}

async function settled(condition) {
  const end = performance.now() + SETTLE_MS;
  while (!condition() && violations.length === 0 && performance.now() < end) await delay(5);
}

async function close(...services) {
  await Promise.all(services.map((service) => service.close()));
}

/** Carries bytes both ways and cuts each connection, at both ends at once, after a number of bytes. */
async function startRelay(target, path) {
  const server = createServer((client) => {
    const executive = createConnection(target);
    // Small numbers are as likely as large ones: they fall into handshakes and headers.
    let left = Math.floor(CUT_AFTER_BYTES_MAX ** random());
    let isCut = false;
    const end = (isOurs) => {
      if (isCut) return;
      isCut = true;
      if (isOurs) cuts++;
      client.destroy();
      executive.destroy();
    };
    for (const [from, to] of [
      [client, executive],
      [executive, client],
    ]) {
      from.on('error', () => {});
      from.on('close', () => end(false));
      from.on('data', (chunk) => {
        if (isCut) return;
        if (cuts >= wanted || chunk.length < left) {
          left -= chunk.length;
          if (!to.write(chunk)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
          return;
        }
        // The last bytes do arrive, up to the very one.
        from.pause();
        to.write(chunk.subarray(0, left), () => end(true));
        left = Number.POSITIVE_INFINITY;
      });
    }
  });
  await new Promise((resolve) => server.listen(path, resolve));
  return server;
}

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
