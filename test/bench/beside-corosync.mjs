// Corosync and this executive beside each other: the same namespaces and veth pairs, the same corosync.conf, in turn.
// A C program on libcpg loads the one, our CPG client the other (cpg-load.c, cpg-load.mjs), three nodes, counted at
// delivery on every node:
//   node test/bench/beside-corosync.mjs [--mtus 1500,9000] [--transports udpu,udp] [--senders 1,3] [--rounds 1]
//     [--sizes 64,320,1600,8000,40000,200000,1000000] [--seconds 1] [--warm 5] [--latency 1000] [--only corosync|aisexec] [--format json]
//     [--ours window_size=100,max_messages=50] (keys of the section totem for our side alone)
//     [--realtime no] (Corosync asks for real-time scheduling, which counts on a busy machine; we never do)
// Needs root, iproute2, corosync, gcc and libcpg-dev. Prints messages/s (and MB/s) of both, the processor
// time of one message in all daemons and clients together, and the ratios of both: above 1 we are ahead. The second one also counts where others use the machine.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { corosyncConf, daemonCommand, environmentOf } from './daemons.mjs';
import { Network } from './netns.mjs';

const NODES = 3;
const FORMS_WITHIN_MS = 30_000;
/** Bytes and messages that one sender has undelivered, the same for both. */
const WINDOW_BYTES = 2 ** 22;
const WINDOW_MAX = 512;
const WINDOW_MIN = 4;
const WARM_UP_SIZE = 500;
/** Of /proc (USER_HZ). */
const TICKS_PER_SECOND = 100;
const LEAD_NS = 600_000_000n;

const { values } = parseArgs({
  options: {
    mtus: { type: 'string', default: '1500,9000' },
    transports: { type: 'string', default: 'udpu,udp' },
    senders: { type: 'string', default: '1,3' },
    sizes: { type: 'string', default: '64,320,1600,8000,40000,200000,1000000' },
    seconds: { type: 'string', default: '1' },
    warm: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '1' },
    latency: { type: 'string', default: '1000' },
    realtime: { type: 'string', default: 'yes' },
    ours: { type: 'string', default: '' },
    only: { type: 'string', default: 'corosync,aisexec' },
    format: { type: 'string', default: 'text' },
  },
});
const numbers = (text) => text.split(',').map(Number);
const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const LOADS = {
  corosync: () => [program],
  aisexec: () => [process.execPath, path('./cpg-load.mjs')],
};
let program;
const figures = [];

for (const mtu of numbers(values.mtus)) {
  const network = new Network(NODES, mtu);
  program = join(network.directory, 'cpg-load');
  execFileSync('cc', ['-O2', '-o', program, path('./cpg-load.c'), '-lcpg', '-lpthread']);
  for (const transport of values.transports.split(',')) {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const kind of values.only.split(',')) await measure(network, kind, transport, mtu);
    }
  }
  network.close();
}
if (values.format === 'json') console.log(JSON.stringify(figures, null, 2));
else printTable();
process.exit();

async function measure(network, kind, transport, mtu) {
  const ours = values.ours.split(',').filter(Boolean);
  const keys = kind === 'aisexec' ? Object.fromEntries(ours.map((pair) => pair.split('='))) : {};
  const totem = { transport, netmtu: mtu, ...keys };
  const { realtime } = values;
  for (const node of network.nodes) {
    const text = corosyncConf(network.nodes, node, { totem, realtime });
    writeFileSync(join(node.directory, 'corosync.conf'), text);
  }
  const daemons = network.nodes.map((node) =>
    network.spawn(node, daemonCommand(kind, node), {
      env: environmentOf(node),
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  await Promise.all(daemons.map((child) => formed(child, kind)));
  const loads = network.nodes.map((node) =>
    network.spawn(node, LOADS[kind](), { env: environmentOf(node) }),
  );
  const lines = loads.map((child) =>
    createInterface({ input: child.stdout })[Symbol.asyncIterator](),
  );
  const next = async (i) => (await lines[i].next()).value;
  await Promise.all(loads.map((_, i) => next(i)));
  /** Seconds of processor time of all daemons and clients so far. */
  const processor = () => [...loads, ...daemons].reduce((sum, { pid }) => sum + secondsOf(pid), 0);
  /** @returns messages per second, the mean of the nodes, and what one took of the processor on all nodes together. */
  const run = async (senders, size, seconds) => {
    const start = process.hrtime.bigint() + LEAD_NS;
    const end = start + BigInt(Math.round(seconds * 1e9));
    const window = Math.max(WINDOW_MIN, Math.min(WINDOW_MAX, Math.floor(WINDOW_BYTES / size)));
    loads.forEach((child, i) => {
      child.stdin.write(`load ${size} ${start} ${end} ${i < senders ? window : 0}\n`);
    });
    await until(start);
    const before = processor();
    await until(end);
    const used = processor() - before;
    const answers = await Promise.all(loads.map(async (_, i) => JSON.parse(await next(i))));
    await delay(200);
    const perNode = (of) => answers.reduce((sum, answer) => sum + of(answer), 0) / NODES;
    const rate = perNode(({ messages, seconds: took }) => messages / took);
    return { rate, us: (1e6 * used) / (rate * seconds) };
  };
  // Both alike: pools, pages and our compiled code are there before the first figure.
  await run(NODES, WARM_UP_SIZE, Number(values.warm));
  const what = { kind, transport, mtu };
  for (const senders of numbers(values.senders)) {
    for (const size of numbers(values.sizes)) {
      note({ ...what, senders, size, ...(await run(senders, size, Number(values.seconds))) });
    }
  }
  if (Number(values.latency) > 0) {
    loads[1].stdin.write(`latency ${values.latency} 64\n`);
    note({ ...what, ...JSON.parse(await next(1)) });
  }
  for (const child of [...loads, ...daemons]) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    // In good order, so that a profile is written (profile.mjs).
    if (loads.includes(child)) child.stdin.end();
    else child.kill(kind === 'aisexec' ? 'SIGTERM' : 'SIGKILL');
    await gone;
  }
}

/** Resolves when the daemon's log shows all members. */
async function formed(child, kind) {
  const shown = kind === 'corosync' ? /Members\[3\]/ : /members[^\n]*\b3\b/;
  const late = setTimeout(() => child.kill('SIGKILL'), FORMS_WITHIN_MS);
  const tail = [];
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      tail.push(line);
      if (tail.length > 20) tail.shift();
      if (shown.test(line)) resolve();
    });
    child.once('exit', () => reject(new Error(`${kind} ended:\n${tail.join('\n')}`)));
  });
  clearTimeout(late);
  await delay(300);
}

function note(figure) {
  figures.push(figure);
  if (values.format === 'text') console.error(JSON.stringify(figure));
}

/** User and system time of a process. */
function secondsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function until(when) {
  return delay(Math.max(0, Number(when - process.hrtime.bigint()) / 1e6));
}

function median(of) {
  const sorted = of.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function printTable() {
  const keyOf = ({ transport, mtu, senders, size }) =>
    size === undefined
      ? `${transport} ${mtu}, own delivery of 64 B`
      : `${transport} ${mtu}, ${senders} sending ${size} B`;
  for (const key of new Set(figures.map(keyOf))) {
    const of = (kind, field) =>
      median(figures.filter((f) => keyOf(f) === key && f.kind === kind).map((f) => f[field]));
    const { size } = figures.find((f) => keyOf(f) === key);
    const text = (kind) => {
      if (!figures.some((f) => keyOf(f) === key && f.kind === kind)) return '-';
      if (size === undefined) {
        return `${of(kind, 'p50').toFixed(0)} / ${of(kind, 'p99').toFixed(0)} us`;
      }
      const rate = of(kind, 'rate');
      const each = of(kind, 'us');
      return `${rate.toFixed(0)} msg/s ${((rate * size) / 1e6).toFixed(1)} MB/s ${each.toFixed(1)} us`;
    };
    const ratio =
      size === undefined
        ? of('corosync', 'p50') / of('aisexec', 'p50')
        : of('aisexec', 'rate') / of('corosync', 'rate');
    const columns = [key.padEnd(36), text('corosync').padStart(36), text('aisexec').padStart(36)];
    const cost = size === undefined ? Number.NaN : of('corosync', 'us') / of('aisexec', 'us');
    const ratios = [ratio, cost].map((it) =>
      (Number.isFinite(it) ? it.toFixed(2) : '-').padStart(6),
    );
    console.log([...columns, ...ratios].join('  '));
  }
}
