// Figures of events and checkpoints by size and by number of writers, for docs/measured.md:
//   node test/bench/streams.mjs [--only event,ckpt] [--seconds 4] [--format json]
// Three executives on this machine. Events: one and three publishers (one on each node) to three subscribers (one on each node),
// counted where they are delivered. Checkpoints: one and three writers, one section each, counted when acknowledged.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LocalCluster } from '@aisexec/executive/local-cluster';

const SIZES = [64, 1024, 8192, 65_536];
const IN_FLIGHT = 64;
const SETTLE_MS = 300;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'event,ckpt' },
    seconds: { type: 'string', default: '4' },
    format: { type: 'string', default: 'text' },
  },
});
const wanted = new Set(values.only.split(','));
const runMs = Number(values.seconds) * 1000;
const results = [];

const cluster = await LocalCluster.start({ nodes: 3 });
process.on('exit', () => cluster.killAll());
for (const node of cluster.nodes) {
  const membership = await Membership.connect({ socket: node.socket });
  for await (const { members } of membership.track()) if (members.length === 3) break;
  await membership.close();
}
for (const size of SIZES) {
  for (const writers of [1, 3]) {
    if (wanted.has('event')) await measureEvents(size, writers);
    if (wanted.has('ckpt')) await measureCheckpoints(size, writers);
  }
}
await cluster.stop();
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));

async function measureEvents(size, publishers) {
  const services = await Promise.all(
    cluster.nodes.map((node) => EventService.connect({ socket: node.socket })),
  );
  const name = `events-${size}-${publishers}`;
  const stop = new AbortController();
  const counts = services.map(() => ({ events: 0, lost: 0 }));
  const channels = await Promise.all(
    services.map((service) =>
      service.open(name, { create: true, publisher: true, subscriber: true }),
    ),
  );
  const streams = channels.map((channel) => channel.subscribe([], { signal: stop.signal }));
  await Promise.all(streams.map((stream) => stream.ready));
  const listening = streams.map((stream, index) => listen(stream, counts[index]));
  const data = Buffer.alloc(size, 1);
  const seconds = await saturate(
    channels.slice(0, publishers).map((channel) => () => channel.publish({ data })),
  );
  await delay(SETTLE_MS);
  stop.abort();
  await Promise.all(listening);
  const lost = counts.reduce((sum, count) => sum + count.lost, 0);
  const slowest = Math.min(...counts.map(({ events }) => events));
  const note = lost > 0 ? `, ${lost} lost markers` : '';
  report(`events, ${size} B, ${publishers} to 3${note}`, slowest / seconds.elapsed, size);
  await Promise.all(services.map((service) => service.close()));
}

/** Counts what arrives until the stream is aborted. */
async function listen(stream, count) {
  try {
    for await (const { type } of stream) {
      if (type === 'lost') count.lost++;
      else count.events++;
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
}

async function measureCheckpoints(size, writers) {
  const services = await Promise.all(
    cluster.nodes
      .slice(0, writers)
      .map((node) => CheckpointService.connect({ socket: node.socket })),
  );
  const create = { maxSections: 4, maxSectionBytes: size };
  const data = Buffer.alloc(size, 1);
  const calls = [];
  for (const [index, service] of services.entries()) {
    const checkpoint = await service.open(`ckpt-${size}-${writers}`, { create });
    const section = checkpoint.section(`w${index}`);
    await section.create(data);
    calls.push(() => section.overwrite(data));
  }
  const { count, elapsed } = await saturate(calls);
  report(
    `checkpoint writes, ${size} B, ${writers} writer${writers > 1 ? 's' : ''}`,
    count / elapsed,
    size,
  );
  await Promise.all(services.map((service) => service.close()));
}

/** Keeps every call busy, `IN_FLIGHT` at a time. */
async function saturate(calls) {
  const started = performance.now();
  const until = started + runMs;
  let count = 0;
  const worker = async (call) => {
    while (performance.now() < until) {
      await call();
      count++;
    }
  };
  await Promise.all(calls.flatMap((call) => Array.from({ length: IN_FLIGHT }, () => worker(call))));
  return { count, elapsed: (performance.now() - started) / 1000 };
}

function report(what, rate, size) {
  const megabytes = (rate * size) / 1e6;
  results.push({
    what,
    perSecond: Math.round(rate),
    megabytesPerSecond: Number(megabytes.toFixed(2)),
  });
  if (values.format === 'text') {
    console.log(
      `${what.padEnd(52)} ${rate.toFixed(0).padStart(8)} /s ${megabytes.toFixed(1).padStart(8)} MB/s`,
    );
  }
}
