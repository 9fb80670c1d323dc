// One node of thread.mjs: a service on the main thread that allocates and blocks, over a ring beside it or in a worker.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { openRing } from './ring-host.mjs';

const BLOCK_EVERY_MS = 1000;
const WARM_UP_MS = 500;
const { thread, size, window, blockMs, seconds, send, ...settings } = JSON.parse(
  process.env.THREAD_NODE,
);
const own = settings.index + 1;
const sentAt = [];
const latencies = [];
let undelivered = 0;
let delivered = 0;
let isSending = false;
let isMeasured = false;
let unsent = 0;
let isScheduled = false;
const engine = await (thread === 'main' ? onThisThread() : inWorker());

/** The service: a little work for every message. */
function apply(source) {
  delivered++;
  if (source !== own) return;
  const at = sentAt.shift();
  if (isMeasured) latencies.push((performance.now() - at) * 1000);
  undelivered--;
  if (isSending) fill();
}

/** What a turn wants to send leaves together. */
function fill() {
  while (undelivered < window) {
    undelivered++;
    sentAt.push(performance.now());
    unsent++;
  }
  if (isScheduled || unsent === 0) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    const count = unsent;
    unsent = 0;
    engine.submit(count);
  });
}

async function onThisThread() {
  const payload = new Uint8Array(size);
  let refused = 0;
  const opened = Promise.withResolvers?.() ?? withResolvers();
  const ring = await openRing(settings, {
    deliver: ({ source }) => apply(source),
    drained: () => submit(0),
    ready: opened.resolve,
  });
  function submit(count) {
    let left = refused + count;
    while (left > 0 && ring.group.multicast([payload], 'agreed')) left--;
    refused = left;
  }
  await opened.promise;
  return {
    submit,
    stats() {
      const { 'ring.tokenLosses': tokenLosses, 'ring.gathers': gathers } = ring.stats();
      return { tokenLosses, gathers, rotation: ring.takeRotations() };
    },
  };
}

async function inWorker() {
  const worker = new Worker(new URL('thread-ring.mjs', import.meta.url), { workerData: settings });
  await once(worker, 'message');
  let answer = () => {};
  worker.on('message', ({ batch, used, stats }) => {
    if (stats !== undefined) {
      answer(stats);
      return;
    }
    // Every ring that is whole is told; only the first counts.
    if (batch === undefined) return;
    const bytes = Buffer.from(batch);
    for (let at = 0; at < used; at += 5 + bytes.readUInt32LE(at + 1)) apply(bytes[at]);
  });
  return {
    submit(count) {
      const submitted = new ArrayBuffer(count * size);
      worker.postMessage({ submit: submitted, size }, [submitted]);
    },
    stats: () =>
      new Promise((resolve) => {
        answer = resolve;
        worker.postMessage({});
      }),
  };
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Garbage for the whole time, like a service that rebuilds its state. */
function block() {
  const end = performance.now() + blockMs;
  let kept = [];
  while (performance.now() < end) {
    kept.push({ key: String(kept.length), value: new Array(16).fill(kept.length) });
    if (kept.length > 50_000) kept = [];
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
process.send('ready');
await once(process, 'message');
isSending = send;
if (isSending) fill();
// Not all nodes at once.
await wait(WARM_UP_MS + (settings.index * BLOCK_EVERY_MS) / settings.ports.length);
const blocking = blockMs > 0 ? setInterval(block, BLOCK_EVERY_MS) : undefined;
const before = await engine.stats();
const from = delivered;
const start = performance.now();
isMeasured = true;
await wait(seconds * 1000);
const perSecond = ((delivered - from) / (performance.now() - start)) * 1000;
isMeasured = false;
clearInterval(blocking);
const after = await engine.stats();
latencies.sort((a, b) => a - b);
process.send({
  perSecond,
  tokenLosses: after.tokenLosses - before.tokenLosses,
  gathers: after.gathers - before.gathers,
  rotation: after.rotation,
  latency: {
    p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  },
});
await once(process, 'message');
process.exit();
