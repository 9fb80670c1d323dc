// What observing costs, for docs/measured.md:
//   node test/bench/metrics.mjs [--seconds 2] [--format json]
// token: one token observed by the histogram of rotations, which is all that metrics cost between two scrapes.
// event: one event of the log into the flight recorder, counters included. scrape: the whole text of an executive
// with its four services, made once. Microseconds of one processor, the median of five runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Executive, parseConfig } from '@aisexec/executive';

const EXECUTIVE = new URL('../../packages/executive/dist/', import.meta.url);
const { createCollector } = await import(new URL('metrics/collector.js', EXECUTIVE));
const { createFlightRecorder } = await import(new URL('log/recorder.js', EXECUTIVE));
const { logEvent } = await import(new URL('log/events.js', EXECUTIVE));

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    format: { type: 'string', default: 'text' },
  },
});
const RUNS = 5;
const BATCH = 100;
const runMs = (Number(values.seconds) * 1000) / RUNS;

const directory = mkdtempSync(join(tmpdir(), 'ais-metrics-'));
const { config } = parseConfig(
  `state_dir: ${join(directory, 'state')}\nipc: {socket: ${join(directory, 's')}}`,
  'bench',
);
const executive = await Executive.start({ config });
await new Promise((resolve) => executive.once('view', resolve));
const collector = createCollector();
const recorder = createFlightRecorder();
const detail = { ringId: { rep: 1, seq: 8 }, members: [1, 2, 3], joined: [], left: [4] };

let now = 0;
const figures = {
  token: median(() => {
    now += 0.7;
    collector.token(now);
  }),
  event: median(() => {
    const event = logEvent('view', detail);
    collector.event(event, now);
    recorder.record(event, 1_700_000_000_000);
  }),
  scrape: median(() => collector.text(executive.status())),
};
const bytes = Buffer.byteLength(collector.text(executive.status()));
if (values.format === 'json') console.log(JSON.stringify({ microseconds: figures, bytes }));
else {
  for (const [name, us] of Object.entries(figures)) {
    console.log(`${name.padEnd(8)}${us.toFixed(3).padStart(10)} us`);
  }
  console.log(`${bytes} bytes a scrape`);
}
collector.stop();
await executive.stop();
rmSync(directory, { recursive: true });

function median(action) {
  const runs = Array.from({ length: RUNS }, () => {
    let count = 0;
    const start = performance.now();
    while (performance.now() - start < runMs) {
      for (let i = 0; i < BATCH; i++) action();
      count += BATCH;
    }
    return ((performance.now() - start) * 1000) / count;
  });
  return runs.sort((a, b) => a - b)[RUNS >> 1];
}
