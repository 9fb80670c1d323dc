// The worker of thread-node.mjs: ring and UDP here, services on the main thread. Messages cross by MessagePort, those of
// a turn together, each as u32 length and bytes.
import { parentPort, workerData } from 'node:worker_threads';
import { openRing } from './ring-host.mjs';

const BATCH_BYTES = 131_072;
let batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
let used = 0;
let isScheduled = false;
/** Refused by the ring; as many as the main thread has undelivered at most. */
let waiting = [];

const ring = await openRing(workerData, {
  deliver({ source, bytes }) {
    if (used + 5 + bytes.length > batch.length) post(bytes.length + 5);
    batch[used] = source;
    batch.writeUInt32LE(bytes.length, used + 1);
    batch.set(bytes, used + 5);
    used += 5 + bytes.length;
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(post);
  },
  drained: submitWaiting,
  ready: () => parentPort.postMessage('ready'),
});

function post(needed = 0) {
  isScheduled = false;
  if (used > 0) parentPort.postMessage({ batch: batch.buffer, used }, [batch.buffer]);
  batch = Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, needed));
  used = 0;
}

function submitWaiting() {
  let sent = 0;
  while (sent < waiting.length && ring.group.multicast([waiting[sent]], 'agreed')) sent++;
  if (sent > 0) waiting = waiting.slice(sent);
}

parentPort.on('message', (request) => {
  if (request.submit === undefined) {
    const { tokenLosses, gathers } = pick(ring.stats());
    parentPort.postMessage({ stats: { tokenLosses, gathers, rotation: ring.takeRotations() } });
    return;
  }
  const bytes = new Uint8Array(request.submit);
  for (let at = 0; at < bytes.length; at += request.size) {
    waiting.push(bytes.subarray(at, at + request.size));
  }
  submitWaiting();
});

function pick(stats) {
  return { tokenLosses: stats['ring.tokenLosses'], gathers: stats['ring.gathers'] };
}
