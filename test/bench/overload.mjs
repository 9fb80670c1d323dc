// Memory under overload: three executives on this machine, every one with publishers that send as fast as they are let,
// and a subscriber. Prints the resident set of every executive over time and the slope of the line fitted to it:
//   node test/bench/overload.mjs [--minutes 1] [--size 1024] [--in-flight 256] [--settle 20] [--format json]
// A line a minute tells on the way (stderr). The first `settle` seconds are left out of the fit: pools fill and code is compiled. Flat is a slope within the noise.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EventService } from '@aisexec/evt';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { socketConnector } from '@aisexec/ipc';

const SAMPLE_MS = 500;
/** Between two lines about a long run. */
const TELL_SECONDS = 60;
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    size: { type: 'string', default: '1024' },
    'in-flight': { type: 'string', default: '256' },
    settle: { type: 'string', default: '20' },
    format: { type: 'string', default: 'text' },
  },
});
const cluster = await LocalCluster.start({ nodes: 3 });
process.on('exit', () => cluster.killAll());
const counts = { acknowledged: 0, refused: 0, delivered: 0, lost: 0 };
const end = performance.now() + Number(values.minutes) * 60_000;
const stop = new AbortController();
const clients = await Promise.all(cluster.nodes.map(overload));

const start = performance.now();
const samples = cluster.nodes.map(() => []);
let tellAt = TELL_SECONDS;
while (performance.now() < end) {
  const seconds = (performance.now() - start) / 1000;
  for (const [i, { pid }] of cluster.nodes.entries()) {
    samples[i].push({ seconds, bytes: residentBytes(pid) });
  }
  if (seconds >= tellAt) {
    const mib = samples.map((of) => (of.at(-1).bytes / 2 ** 20).toFixed(1));
    console.error(`${seconds.toFixed(0)} s: ${mib.join(', ')} MiB; ${JSON.stringify(counts)}`);
    tellAt += TELL_SECONDS;
  }
  await delay(SAMPLE_MS);
}
stop.abort();
// On a machine that is too busy to answer, what half an hour has shown must not be lost.
const unknown = { ring: {}, groups: {} };
const counters = await Promise.all(
  cluster.nodes.map((node) => countersOf(node).catch(() => unknown)),
);
const report = cluster.nodes.map(({ name }, i) => {
  const settled = samples[i].filter(({ seconds }) => seconds >= Number(values.settle));
  const { slope, mean, error } = lineThrough(settled);
  const { packetBuffersMade, messagesResent, tokenLosses } = counters[i].ring;
  const mib = (bytes) => bytes / 2 ** 20;
  return {
    name,
    meanMiB: mib(mean),
    highestMiB: mib(Math.max(...samples[i].map(({ bytes }) => bytes))),
    slopeMiBPerMinute: mib(slope * 60),
    slopeErrorMiBPerMinute: mib(error * 60),
    packetBuffersMade,
    messageBuffersMade: counters[i].groups.messageBuffersMade,
    ...{ messagesResent, tokenLosses },
  };
});
const perSecond = counts.acknowledged / (Number(values.minutes) * 60);
if (values.format === 'json') console.log(JSON.stringify({ perSecond, counts, report }, null, 2));
else {
  console.log(`${perSecond.toFixed(0)} events/s acknowledged; ${JSON.stringify(counts)}`);
  for (const { name, ...row } of report) {
    const columns = Object.entries(row).map(
      ([key, value]) => `${key} ${value === undefined ? '-' : Number(value.toFixed(2))}`,
    );
    console.log(`${name}: ${columns.join('  ')}`);
  }
}
await Promise.all(clients.map((client) => client.close()));
await cluster.stop();

async function overload({ socket, name }) {
  const service = await EventService.connect({ socket });
  const channel = await service.open('overload', {
    create: true,
    publisher: true,
    subscriber: true,
  });
  const data = Buffer.alloc(Number(values.size), 1);
  void (async () => {
    const subscription = channel.subscribe([], { signal: stop.signal });
    for await (const item of subscription) counts[item.type === 'lost' ? 'lost' : 'delivered']++;
  })().catch((error) => {
    if (!stop.signal.aborted) console.error(`${name}: ${error.message}`);
  });
  const publish = async () => {
    while (performance.now() < end) {
      try {
        await channel.publish({ data });
        counts.acknowledged++;
      } catch {
        counts.refused++;
        await delay(1);
      }
    }
  };
  for (let i = 0; i < Number(values['in-flight']); i++) void publish();
  return service;
}

async function countersOf({ socket }) {
  const connection = await socketConnector(socket).connect('admin');
  const { status } = await connection.request('status', {});
  await connection.close();
  return status.counters;
}

function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
}

/** Least squares: slope in bytes per second, with its standard error. */
function lineThrough(points) {
  const n = points.length;
  const meanOf = (key) => points.reduce((sum, point) => sum + point[key], 0) / n;
  const [x, y] = [meanOf('seconds'), meanOf('bytes')];
  const xx = points.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
  const xy = points.reduce((sum, { seconds, bytes }) => sum + (seconds - x) * (bytes - y), 0);
  const slope = xy / xx;
  const rest = points.reduce(
    (sum, { seconds, bytes }) => sum + (bytes - y - slope * (seconds - x)) ** 2,
    0,
  );
  return { slope, mean: y, error: Math.sqrt(rest / (n - 2) / xx) };
}
