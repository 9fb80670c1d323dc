// Hostile local clients against one executive of a cluster of three, one kind after the other, while a
// well-behaved client of the same node takes and gives back a lock. Prints a table: the well-behaved client's p99 against its
// quiet value and how late its own timers were, which is not the executive's doing; how much memory the executive had at most and
// grew by between the middle and the last third of the attack; changes of membership, and what the offender was told. First
// comes a control: what an attacker's own hunger for the processor does, beside which the others can be read.
//   node test/chaos/hostile.mjs [--minutes 1] [--only TEXT] [--factor 3] [--schedule rr | nice | no]
// The executives are scheduled as the systemd unit has it (`rr`: round robin, priority 10), as it may have it instead (nice -20), or with
// `no`, or where that is not allowed, like everybody.
// Fails when a p99 is `factor` times the quiet one, an attack makes memory grow by more than 20 MiB, or a node was lost.

import { fork, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { ATTACKS, CONTROL } from './attacks.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    factor: { type: 'string', default: '3' },
    schedule: { type: 'string', default: 'rr' },
    attack: { type: 'string' },
    socket: { type: 'string' },
  },
});
const GROWTH_BYTES_MAX = 20 * 1_048_576;
/** What is not told apart from quiet: a lock takes at least the token's round. */
const P99_MS_MIN = 5;
const RSS_EVERY_MS = 200;
const TELLS_MAX = 3;
const WARM_MS = 2_000;
/** Between two calls of the well-behaved client. */
const PAUSE_MS = 2;
if (values.attack === undefined) process.exit(await besiege());
else await attack(values.attack, values.socket);

/** The attacker's process. */
async function attack(name, socket) {
  const ended = new AbortController();
  const told = new Map();
  process.on('message', () => ended.abort());
  process.on('disconnect', () => process.exit());
  await { ...CONTROL, ...ATTACKS }
    [name]({
      socket,
      signal: ended.signal,
      told: (what) => told.size < 64 && told.set(what, (told.get(what) ?? 0) + 1),
    })
    .catch((error) => told.set(String(error), 1));
  process.send([...told].sort((a, b) => b[1] - a[1]).slice(0, TELLS_MAX), () => process.exit());
}

async function besiege() {
  const views = [];
  const onLog = (_node, line) => line.includes('"event":"view"') && views.push(line);
  const cluster = await LocalCluster.start({ nodes: 3, onLog });
  process.on('exit', () => cluster.killAll());
  if (values.schedule !== 'no') cluster.nodes.forEach(schedule);
  const [node] = cluster.nodes;
  const locks = await LockService.connect({ socket: node.socket });
  const resource = await locks.open('well-behaved', { create: true });
  const phaseMs = Number(values.minutes) * 60_000;
  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))[1]) * 1024;
  const measure = () => watched(rss, () => sample(resource, phaseMs));
  const calmDown = () => sample(resource, phaseMs / 3);
  // Warm, then what is normal here, measured on either side.
  await measure();
  const quiet = [(await measure()).p99];
  const names = Object.keys(ATTACKS).filter((name) => name.includes(values.only));
  const [control] = Object.keys(CONTROL);
  const theft = (await besieged(control, node.socket, measure)).result;
  console.log(`--- ${control.padEnd(58)} p99 ${theft.p99.toFixed(1)} ms, ${theft.calls} calls`);
  // What a first pass makes the heap grow to is not a leak.
  for (const name of names) await besieged(name, node.socket, () => delay(WARM_MS));
  const baseline = rss();
  const rows = [];
  for (const name of names) {
    const viewsBefore = views.length;
    const { result: under, told } = await besieged(name, node.socket, measure);
    quiet.push((await calmDown()).p99);
    const calm = Math.max(P99_MS_MIN, median(quiet));
    const lost = views.length - viewsBefore;
    const fair = under.p99 < calm * Number(values.factor) && under.grown <= GROWTH_BYTES_MAX;
    rows.push({ name, ...under, calm, lost, told, ok: fair && lost === 0 && under.errors === 0 });
    print(rows.at(-1));
  }
  const [begun, ended] = [baseline, rss()].map(mebibytes);
  await locks.close();
  await cluster.stop();
  const bad = rows.filter(({ ok }) => !ok).length;
  console.log(
    `${rows.length} attacks, ${bad} not withstood; memory ${begun} MiB before and ${ended} after them`,
  );
  return bad === 0 ? 0 : 1;
}

/** packages/executive/systemd: CPUSchedulingPolicy, of all threads. */
function schedule({ id, pid }) {
  const [command, ...args] = {
    rr: ['chrt', '--all-tasks', '--rr', '--pid', '10', String(pid)],
    nice: ['sh', '-c', `renice -n -20 -p $(ls /proc/${pid}/task)`],
  }[values.schedule];
  const { status, stderr } = spawnSync(command, args);
  if (status !== 0) console.log(`node ${id} is scheduled like everybody: ${stderr}`.trim());
}

/** Runs an attack during `work`. */
async function besieged(name, socket, work) {
  const attacker = fork(fileURLToPath(import.meta.url), ['--attack', name, '--socket', socket]);
  const told = new Promise((resolve) => {
    attacker.once('message', resolve);
    attacker.once('exit', () => resolve([['it died', 1]]));
  });
  const result = await work();
  if (attacker.connected) attacker.send('stop');
  return { result, told: await told };
}

/** Looks at the memory during `work`: the most, and how much more the last third has at least than the middle one. */
async function watched(rss, work) {
  const sizes = [];
  const timer = setInterval(() => sizes.push(rss()), RSS_EVERY_MS);
  const result = await work();
  clearInterval(timer);
  const least = (from, to) =>
    Math.min(...sizes.slice(Math.floor(sizes.length * from), Math.ceil(sizes.length * to)));
  return { ...result, peak: Math.max(...sizes), grown: least(2 / 3, 1) - least(1 / 3, 2 / 3) };
}

/** Takes and gives back a lock for so long. */
async function sample(resource, ms) {
  const [times, lates] = [[], []];
  let errors = 0;
  const end = performance.now() + ms;
  while (performance.now() < end || times.length < 20) {
    const begun = performance.now();
    try {
      const lock = await resource.acquire('EX', { timeoutMs: 30_000 });
      await lock.unlock();
    } catch {
      errors++;
      if (errors > 100) break;
    }
    const ended = performance.now();
    times.push(ended - begun);
    await delay(PAUSE_MS);
    lates.push(performance.now() - ended - PAUSE_MS);
  }
  return { p99: p99(times), late: p99(lates), calls: times.length, errors };
}

function p99(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function mebibytes(bytes) {
  return (bytes / 1_048_576).toFixed(1);
}

function print({ name, p99, late, calm, calls, errors, peak, grown, lost, told, ok }) {
  const says = told.map(([what, times]) => `${times}x ${what.slice(0, 70)}`).join('; ');
  console.log(
    `${ok ? 'yes' : 'NO '} ${name.padEnd(58)} p99 ${p99.toFixed(1)} ms (quiet ${calm.toFixed(1)}, own timers ${late.toFixed(1)}), ${calls} calls, ` +
      `${errors} errors, at most ${mebibytes(peak)} MiB, grown by ${mebibytes(grown)}, ${lost} views | ${says}`,
  );
}
