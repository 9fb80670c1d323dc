// Memory after many messages through the contract of the engine corosync: three nodes on real Corosync daemons (engine-peers.mjs), all of
// them sending as fast as they may.
//   node test/bench/engine-memory.mjs [--messages 1e7] [--size 64]
// A line for every tenth: resident memory and heap of the first node, what waits in its queues, and the resident memory of
// its Corosync. The last lines compare, after collecting garbage and with empty queues, the first tenth with the end.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { corosyncMb, layCorosync, startPeers } from './engine-peers.mjs';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1e7' },
    size: { type: 'string', default: '64' },
  },
});
const messages = Number(values.messages);
const STEPS = 10;
/** More than this above the first tenth is a leak: about a byte a message. */
const GROWTH_MB_MAX = 10;
const POLL_MS = 100;

const lab = await layCorosync();
const peers = await startPeers(lab, 'corosync');
const mb = (bytes) => bytes / 1e6;
await flood(messages / STEPS);
const before = await settled();
print('settled', before);
for (let step = 2; step <= STEPS; step++) print('running', await flood((messages * step) / STEPS));
const after = await settled();
print('settled', after);
for (const peer of peers) peer.end();
await lab.close();
const growth = {
  heap: mb(after.heapUsed + after.external - before.heapUsed - before.external),
  corosync: after.corosync - before.corosync,
};
const isSteady = Object.values(growth).every((one) => one <= GROWTH_MB_MAX);
console.log(
  `${after.delivered} messages: heap and buffers ${growth.heap.toFixed(1)} MB more, Corosync ` +
    `${growth.corosync.toFixed(1)} MB more, ${waiting(after)} waiting: ${isSteady ? 'steady' : 'GROWS'}`,
);
process.exit(isSteady && waiting(after) === 0 ? 0 : 1);

/** All send until the first has delivered so many. */
async function flood(until) {
  for (const peer of peers) peer.tell({ type: 'send', size: Number(values.size) });
  for (;;) {
    const count = await peers[0].ask({ type: 'count' }, 'counted');
    if (count.delivered >= until) return withCorosync(count);
    await delay(POLL_MS);
  }
}

/** Nobody sends, and what was sent has been delivered. */
async function settled() {
  for (const peer of peers) peer.tell({ type: 'stop' });
  let last = -1;
  for (;;) {
    const all = await Promise.all(
      peers.map((peer) => peer.ask({ type: 'count', collect: true }, 'counted')),
    );
    if (all[0].delivered === last && all.every((one) => waiting(one) === 0)) {
      return withCorosync(all[0]);
    }
    last = all[0].delivered;
    await delay(POLL_MS);
  }
}

function withCorosync(count) {
  return { ...count, corosync: corosyncMb(lab.node(1)) };
}

function waiting({ groups: { queueMessages, framesUnderWay, held } }) {
  return queueMessages + framesUnderWay + held;
}

function print(what, count) {
  console.log(
    `${what} ${String(count.delivered).padStart(9)} messages  rss ${mb(count.rss).toFixed(0)} MB  heap ` +
      `${mb(count.heapUsed).toFixed(1)} MB  buffers ${mb(count.external).toFixed(1)} MB  waiting ${waiting(count)}  ` +
      `corosync ${count.corosync.toFixed(0)} MB`,
  );
}
