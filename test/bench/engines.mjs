// Messages per second and latency through the contract, engine beside engine beside a bare C program on libcpg: the
// same laboratory, the same run, size by size in turn, so that what else the machine does hits all three.
//   node test/bench/engines.mjs [--seconds 2] [--sizes 64,320,1600,8000,40000,200000,1000000] [--only c,totem,corosync]
// Figures are counted at the first node: what it delivers, whoever sent; one and three senders. The C program sends at
// most 1,047,552 bytes. In brackets the share of what the C program reached.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { layCorosync, startPeers } from './engine-peers.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    sizes: { type: 'string', default: '64,320,1600,8000,40000,200000,1000000' },
    only: { type: 'string', default: 'c,totem,corosync' },
  },
});
const PINGS = 200;
/** Until what was sent before has been delivered, and until a flood is under way. */
const DRAIN_MS = 700;
const BEGIN_MS = 300;

const lab = await layCorosync();
const kinds = new Map();
for (const kind of values.only.split(',')) {
  const peers = await startPeers(lab, kind);
  if (peers !== undefined) kinds.set(kind, peers);
}
for (const size of values.sizes.split(',').map(Number)) {
  let bare;
  for (const [kind, peers] of kinds) {
    const figures = await measure(peers, size);
    if (kind === 'c') bare = figures;
    print(kind, size, figures, bare);
  }
}
if (kinds.has('corosync')) await detection(kinds.get('corosync'));
for (const peers of kinds.values()) for (const peer of peers) peer.end();
await lab.close();
process.exit(0);

async function measure(peers, size) {
  const { p50, p99 } = await peers[0].ask({ type: 'ping', size, rounds: PINGS }, 'pinged');
  const rates = [];
  for (const senders of [1, peers.length]) {
    for (const peer of peers.slice(0, senders)) peer.tell({ type: 'send', size });
    await delay(BEGIN_MS);
    const from = await peers[0].ask({ type: 'count' }, 'counted');
    await delay(Number(values.seconds) * 1000);
    const to = await peers[0].ask({ type: 'count' }, 'counted');
    for (const peer of peers) peer.tell({ type: 'stop' });
    await delay(DRAIN_MS);
    const seconds = (to.at - from.at) / 1000;
    rates.push({ senders, perSecond: (to.delivered - from.delivered) / seconds, rss: to.rss });
  }
  return { p50, p99, rates };
}

function print(kind, size, { p50, p99, rates }, bare) {
  const shown = rates.map(({ senders, perSecond, rss }, index) => {
    const share =
      bare === undefined ? '' : ` (${(perSecond / bare.rates[index].perSecond).toFixed(2)})`;
    const mb = ((perSecond * size) / 1e6).toFixed(1);
    return `${senders} sending: ${Math.round(perSecond)} msg/s ${mb} MB/s${share}, rss ${Math.round(rss / 1e6)} MB`;
  });
  const latency = `p50 ${p50.toFixed(2)} ms p99 ${p99.toFixed(2)} ms`;
  console.log(`${kind.padEnd(8)} ${String(size).padStart(7)} B  ${latency}  ${shown.join('  ')}`);
}

/** From the kill of a corosync to the word of its executive. */
async function detection(peers) {
  const killed = Date.now();
  lab.node(2).signal('SIGKILL');
  const { at } = await peers[1].hear('lost');
  console.log(`a killed corosync: its executive knew after ${at - killed} ms`);
}
