// Where the time of any of these programs and of the daemons they start goes:
//   PROFILE=/tmp/profiles NODE_OPTIONS="--import $PWD/test/bench/profile.mjs" node test/bench/cluster.mjs --only event
// Every process that ends in good order writes PROFILE/<pid>.cpuprofile (for the browser's tools) and <pid>.txt: the
// functions that took the most time themselves, in per cent of the time the process was not idle, and what was collected.
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const LINES = 45;
const KINDS = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};
const directory = process.env.PROFILE;
const collections = {};

if (directory !== undefined && isMainThread) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 500 });
  session.post('Profiler.start');
  new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries()) {
      const kind = KINDS[detail.kind];
      collections[kind] ??= { times: 0, ms: 0, longest: 0 };
      const sum = collections[kind];
      sum.times++;
      sum.ms += duration;
      sum.longest = Math.max(sum.longest, duration);
    }
  }).observe({ entryTypes: ['gc'] });
  process.once('exit', () => {
    session.post('Profiler.stop', (error, result) => {
      if (error === null) write(result.profile);
    });
  });
}

function write(profile) {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, String(process.pid));
  writeFileSync(`${file}.cpuprofile`, JSON.stringify(profile));
  writeFileSync(
    `${file}.txt`,
    `${process.argv.slice(1).join(' ')}\n${top(profile)}\n${JSON.stringify(collections)}\n`,
  );
}

function top({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map();
  let busy = 0;
  let idle = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === '(idle)') {
      idle += timeDeltas[i];
      return;
    }
    const place =
      url === '' ? '' : `${url.replace(/^.*\/(?=packages|node_modules)/, '')}:${lineNumber + 1}`;
    const name = `${functionName || '(anonymous)'} ${place}`;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i]);
    busy += timeDeltas[i];
  });
  const lines = [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, LINES)
    .map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
  return `${(busy / 1e6).toFixed(2)} s busy, ${(idle / 1e6).toFixed(2)} s idle\n${lines}`;
}
