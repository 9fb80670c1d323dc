// Memory after many messages through the contract of the engine corosync: three nodes on real Corosync daemons (engine-peers.mjs), all of
// them sending as fast as they may.
//   node test/bench/engine-memory.mjs [--messages 1e7] [--size 64]
// A line for every tenth: resident memory and heap of the first node, what waits in its queues, and the resident memory of
// its Corosync. The last line compares the executive after the first tenth with the end, garbage collected and queues
// empty, and Corosync, which keeps what its queues once had, over the two halves of the run.
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
/** Its queues for us are bounded by the frames that may be unacknowledged, at 64 KiB each, and it does not give memory back. */
const COROSYNC_RATIO_MAX = 1.25;
const POLL_MS = 100;

const lab = await layCorosync();
const peers = await startPeers(lab, 'corosync');
const mb = (bytes) => bytes / 1e6;
await flood(messages / STEPS);
const before = await settled();
print('settled', before);
const corosync = [];
for (let step = 2; step <= STEPS; step++) {
  const count = await flood((messages * step) / STEPS);
  corosync.push(count.corosync);
  print('running', count);
}
const after = await settled();
print('settled', after);
for (const peer of peers) peer.end();
await lab.close();
const growth = mb(after.heapUsed + after.external - before.heapUsed - before.external);
const [early, late] = [mean(corosync.slice(0, STEPS / 2)), mean(corosync.slice(STEPS / 2))];
const isSteady = growth <= GROWTH_MB_MAX && late <= COROSYNC_RATIO_MAX * early;
console.log(
  `${after.delivered} messages: heap and buffers ${growth.toFixed(1)} MB more, Corosync ${early.toFixed(0)} MB, ` +
    `then ${late.toFixed(0)} MB, ${waiting(after)} waiting: ${isSteady ? 'steady' : 'GROWS'}`,
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

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
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
