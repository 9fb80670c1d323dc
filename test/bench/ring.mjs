// The engine alone (ring, process groups, UDP) on three processes of this machine, without services and clients:
//   node test/bench/ring.mjs [--seconds 2] [--rounds 3] [--sizes 64,1600,65536] [--variants plain:1500,auto:1500,auto:16384] [--senders 1]
// `io` is auto, plain or dgram (auto, but node:dgram waits: nothing is coalesced). A variant is `io:netmtu[:window:messages[:cipher[:ahead]]]`; with a cipher (may be empty; `@plain`: by node:crypto) packets are sealed; ahead are the messages of a visit that the
// token may overtake. All variants of a size run after each other, round by round; compare
// within one run. Per variant: messages/s and MB/s at a receiver, own delivery of one message on an idle ring, and the
// rotation of the token on a ring that one message keeps awake.
import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '64,1600,65536' },
    variants: { type: 'string', default: 'plain:1500,auto:1500,auto:9000,auto:16384,auto:32768' },
    senders: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '3' },
  },
});
const nodes = Number(values.nodes);
const numbers = (text) => text.split(',').map(Number);
const results = new Map();

for (let round = 0; round < Number(values.rounds); round++) {
  for (const variant of values.variants.split(',')) await runVariant(variant);
}
for (const [name, runs] of results) {
  const median = (key) => {
    const sorted = runs.map((run) => run[key]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
  const columns = Object.keys(runs[0]).map(
    (key) => `${key} ${median(key).toFixed(key.includes('MB') ? 1 : 0)}`,
  );
  console.log(`${name.padEnd(44)} ${columns.join('  ')}`);
}

async function runVariant(variant) {
  const [io, netmtu, windowSize = '50', maxMessages = '17', cipher, ahead = '0'] =
    variant.split(':');
  const ports = await freePorts(nodes);
  const children = ports.map((_, index) =>
    fork(new URL('ring-node.mjs', import.meta.url), [], {
      env: {
        ...process.env,
        RING_NODE: JSON.stringify({
          index,
          ports,
          io,
          cipher: cipher || undefined,
          payloadBytesMax: Number(netmtu) - 118 - (cipher ? 40 : 0),
          windowSize: Number(windowSize),
          maxMessages: Number(maxMessages),
          acceleratedWindow: Number(ahead),
        }),
      },
    }),
  );
  await Promise.all(children.map((child) => message(child, 'ready')));
  const ask = (child, request) => {
    child.send(request);
    return message(child, 'answer');
  };
  for (const size of numbers(values.sizes)) {
    const senders = Number(values.senders);
    const before = await Promise.all(children.map((child) => ask(child, { do: 'cpu' })));
    const seconds = Number(values.seconds);
    const counts = await Promise.all(
      children.map((child, index) =>
        ask(child, { do: 'load', size, seconds, send: index < senders }),
      ),
    );
    const after = await Promise.all(children.map((child) => ask(child, { do: 'cpu' })));
    const perSecond = counts[nodes - 1].delivered / seconds;
    const cpu = after.reduce((sum, { cpu }, index) => sum + cpu - before[index].cpu, 0);
    note(`${variant} ${size} B`, {
      'msg/s': perSecond,
      'MB/s': (perSecond * size) / 1e6,
      'cpu us/msg': cpu / Math.max(1, counts[nodes - 1].delivered),
      resent: counts.reduce((sum, { resent }) => sum + resent, 0),
    });
  }
  const { p50, p99 } = await ask(children[1], { do: 'latency' });
  note(`${variant} own delivery`, { 'p50 us': p50, 'p99 us': p99 });
  const rotation = await ask(children[1], { do: 'rotation' });
  note(`${variant} token rotation`, { 'p50 us': rotation.p50, 'p99 us': rotation.p99 });
  for (const child of children) child.disconnect();
  await Promise.all(children.map((child) => once(child, 'exit')));
}

function note(name, run) {
  results.set(name, [...(results.get(name) ?? []), run]);
}

function message(child, type) {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('a node of the ring ended'));
    child.once('exit', gone);
    const hear = (text) => {
      if (text.type !== type) return;
      child.off('message', hear);
      child.off('exit', gone);
      resolve(text);
    };
    child.on('message', hear);
  });
}

async function freePorts(count) {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  const ports = sockets.map((socket) => socket.address().port);
  for (const socket of sockets) socket.close();
  return ports;
}
