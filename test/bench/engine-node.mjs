// One node of engines.mjs: an engine without services. Commands on standard input, answers on standard output, a
// JSON document a line: it may run in another network namespace.
import { createInterface } from 'node:readline';
import { createCorosyncEngine, createTotemEngine, parseConfig } from '@aisexec/executive';

const { nodes, yaml } = JSON.parse(process.argv[2]);
const { config, problems } = parseConfig(yaml, 'bench');
if (config === undefined) throw new Error(problems.join('\n'));
const create = config.engine === 'corosync' ? createCorosyncEngine : createTotemEngine;
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const engine = await create({
  config,
  trace: (event) => event === 'corosync-lost' && say({ type: 'lost', at: Date.now() }),
  failed: (error) => {
    throw error;
  },
});

let payload = new Uint8Array(64);
let delivered = 0;
let bytes = 0;
let isSending = false;
let own = () => {};
const group = engine.messaging.join('bench', {
  deliver(message) {
    delivered++;
    bytes += message.bytes.length;
    if (message.source === config.node.id) own();
  },
  configuration({ type, ringId, members }) {
    if (type !== 'regular') return;
    setImmediate(() => engine.messaging.syncComplete(ringId));
    if (members.length === nodes) setTimeout(() => say({ type: 'ready' }), 200);
  },
  drained: fill,
});
engine.start();

function fill() {
  while (isSending && group.multicast([payload], 'agreed'));
}

function ping(rounds) {
  const times = [];
  let begun = performance.now();
  own = () => {
    times.push(performance.now() - begun);
    if (times.length === rounds) {
      own = () => {};
      times.sort((a, b) => a - b);
      say({ type: 'pinged', p50: times[rounds >> 1], p99: times[Math.floor(rounds * 0.99)] });
      return;
    }
    begun = performance.now();
    group.multicast([payload], 'agreed');
  };
  group.multicast([payload], 'agreed');
}

for await (const line of createInterface({ input: process.stdin })) {
  const { type, size, rounds, collect } = JSON.parse(line);
  if (size !== undefined) payload = new Uint8Array(size);
  if (type === 'send') {
    isSending = true;
    fill();
  } else if (type === 'stop') isSending = false;
  else if (type === 'ping') ping(rounds);
  else if (type === 'count') {
    if (collect) globalThis.gc();
    const { rss, heapUsed, external } = process.memoryUsage();
    const { groups } = engine.stats();
    say({
      type: 'counted',
      delivered,
      bytes,
      at: performance.now(),
      rss,
      heapUsed,
      external,
      groups,
    });
  }
}
process.exit(0);
