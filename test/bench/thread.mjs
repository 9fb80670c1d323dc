// The ring in a worker thread against the ring on the main thread, under a service on the main thread that allocates and
// blocks (ADR 0139). Three processes, loopback, real UDP:
//   node test/bench/thread.mjs [--seconds 5] [--rounds 1] [--sizes 64,1600,65000] [--block 0,200] [--window 1,256] [--token 500]
// Of every variant the worst node: token losses, time between two tokens, time from submitting to own delivery as the
// service sees it; and what one node's service delivers a second. --window 1 is one message at a time.
import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const NODES = 3;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '1' },
    sizes: { type: 'string', default: '64,1600,65000' },
    block: { type: 'string', default: '0,200' },
    window: { type: 'string', default: '1,256' },
    token: { type: 'string', default: '500' },
  },
});
const numbers = (text) => text.split(',').map(Number);
const rows = new Map();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const blockMs of numbers(values.block)) {
    for (const window of numbers(values.window)) {
      for (const size of numbers(values.sizes)) {
        for (const thread of ['main', 'worker']) await run({ thread, size, window, blockMs });
      }
    }
  }
}
for (const [name, runs] of rows) {
  const median = (key) => runs.map((row) => row[key]).sort((a, b) => a - b)[runs.length >> 1];
  const columns = Object.keys(runs[0]).map((key) => `${key} ${median(key).toFixed(0)}`);
  console.log(`${name.padEnd(44)} ${columns.join('  ')}`);
}
process.exit();

async function run({ thread, size, window, blockMs }) {
  const ports = await freePorts(NODES);
  const children = ports.map((_, index) =>
    fork(new URL('thread-node.mjs', import.meta.url), [], {
      env: {
        ...process.env,
        THREAD_NODE: JSON.stringify({
          ...{ thread, size, window, blockMs, index, ports, send: window > 1 || index === 1 },
          ...{ seconds: Number(values.seconds), tokenMs: Number(values.token) },
          ...{ payloadBytesMax: 16_266, windowSize: 24, maxMessages: 8 },
        }),
      },
    }),
  );
  const tell = async () => {
    const answers = children.map((child) => once(child, 'message'));
    return (await Promise.all(answers)).map(([answer]) => answer);
  };
  await tell();
  for (const child of children) child.send('go');
  const answers = await tell();
  for (const child of children) child.send('end');
  await Promise.all(children.map((child) => once(child, 'exit')));
  const worst = (of) => Math.max(...answers.map(of));
  const name = `${thread}, ${size} B, ${window} under way, ${blockMs} ms blocks`;
  const row = {
    losses: worst(({ tokenLosses }) => tokenLosses),
    gathers: worst(({ gathers }) => gathers),
    'msg/s': answers[0].perSecond,
    'rotation p50 us': worst(({ rotation }) => rotation.p50),
    'p99 us': worst(({ rotation }) => rotation.p99),
    'max us': worst(({ rotation }) => rotation.max),
    'latency p50 us': worst(({ latency }) => latency.p50),
    'latency p99 us': worst(({ latency }) => latency.p99),
  };
  rows.set(name, [...(rows.get(name) ?? []), row]);
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
