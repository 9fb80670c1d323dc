// One node of ring.mjs: the executive's UDP driver and timers under the real ring and process groups.
import { createTotem, ringDefaults } from '@aisexec/totem';
import { createSeal } from '../../packages/executive/dist/drivers/seal/transport.js';
import { createTimers } from '../../packages/executive/dist/drivers/timers.js';
import { createUdpTransport } from '../../packages/executive/dist/drivers/udp/udp.js';
import { groupKey } from '../../packages/executive/dist/key-file.js';

const ROUNDS = 2000;
/** Packet type of the token (totem-wire §1.1). */
const ORF_TOKEN = 0;
const { index, ports, io, cipher, ...settings } = JSON.parse(process.env.RING_NODE);
const nodes = ports.map((port, i) => ({
  id: i + 1,
  name: `n${i + 1}`,
  address: '127.0.0.1',
  family: 'inet',
  port,
}));
const self = nodes[index];
let tokenArrived = () => {};
const udpOptions = {
  self,
  nodes,
  ...(io === 'dgram' ? { io: 'auto', wait: 'dgram' } : { io }),
  receive(packet) {
    if (packet[3] === ORF_TOKEN) tokenArrived();
    totem.ring.receive(packet, performance.now());
  },
};
const udp =
  cipher === undefined
    ? await createUdpTransport(udpOptions)
    : await createSeal(sealOptions(cipher)).around(udpOptions, createUdpTransport);
const timers = createTimers({ fire: (name, now) => totem.ring.timeout(name, now) });
const config = ringDefaults({
  nodeId: self.id,
  ringSeq: 0,
  random: Math.random,
  tokenMs: 3000,
  ...settings,
});
const totem = createTotem(config, {
  unicast: (target, packet) => udp.unicast(target, packet),
  multicast: (packet) => udp.multicast(packet),
  flush: () => udp.flush?.(),
  setTimer: (name, delayMs) => timers.set(name, delayMs),
  cancelTimer: (name) => timers.cancel(name),
  storeRingId: () => {},
  trace: () => {},
});

let delivered = 0;
let isSending = false;
let payload = new Uint8Array(64);
let own = () => {};
const group = totem.messaging.join('bench', {
  deliver(message) {
    delivered++;
    if (message.source === self.id) own();
  },
  configuration(configuration) {
    if (configuration.type !== 'regular') return;
    setImmediate(() => totem.messaging.syncComplete(configuration.ringId));
    if (configuration.members.length === nodes.length) {
      setTimeout(() => process.send({ type: 'ready' }), 100);
    }
  },
  drained: fill,
});
totem.ring.start(performance.now());

function fill() {
  while (isSending && group.multicast([payload], 'agreed'));
}

async function load({ size, seconds, send }) {
  payload = new Uint8Array(size).fill(1);
  isSending = send;
  const top = setInterval(fill, 5);
  fill();
  await wait(300);
  const before = delivered;
  const resent = totem.stats()['ring.messagesResent'];
  await wait(seconds * 1000);
  const counted = delivered - before;
  isSending = false;
  clearInterval(top);
  await wait(400);
  return { delivered: counted, resent: totem.stats()['ring.messagesResent'] - resent };
}

async function latency() {
  payload = new Uint8Array(64);
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const at = performance.now();
    await new Promise((resolve) => {
      own = resolve;
      group.multicast([payload], 'agreed');
    });
    times.push((performance.now() - at) * 1000);
  }
  own = () => {};
  times.sort((a, b) => a - b);
  return { p50: times[ROUNDS / 2], p99: times[Math.floor(ROUNDS * 0.99)] };
}

/** Times between two arrivals of the token while there is always a message of this node on its way. */
async function rotation() {
  payload = new Uint8Array(64);
  const times = [];
  let at = 0;
  tokenArrived = () => {
    const now = performance.now();
    if (at > 0) times.push((now - at) * 1000);
    at = now;
  };
  own = () => group.multicast([payload], 'agreed');
  own();
  while (times.length < ROUNDS) await wait(10);
  own = () => {};
  tokenArrived = () => {};
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

function sealOptions(wanted) {
  const [cipher, sealIo] = wanted.split('@');
  const key = groupKey(1, new Uint8Array(32).fill(1));
  let epoch = BigInt(Date.now());
  return {
    nodeId: self.id,
    peers: nodes.map(({ id }) => id).filter((id) => id !== self.id),
    cipher,
    io: sealIo,
    sending: key,
    accepted: [key],
    epochs: { next: () => epoch++ },
    heardOther: () => {},
    heardUnknown: () => {},
    trace: (event, detail) => console.error(event, detail),
  };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

process.on('message', async (request) => {
  const { user, system } = process.cpuUsage();
  if (request.do === 'cpu') process.send({ type: 'answer', cpu: user + system });
  else if (request.do === 'load') process.send({ type: 'answer', ...(await load(request)) });
  else if (request.do === 'rotation') process.send({ type: 'answer', ...(await rotation()) });
  else process.send({ type: 'answer', ...(await latency()) });
});
process.on('disconnect', () => process.exit());
