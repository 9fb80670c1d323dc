// A storm over real processes: random kill -9, SIGSTOP and SIGCONT on a cluster under the live example's load,
// then calm, and the books of all applications are compared.
//   node test/chaos/storm.mjs [--nodes 5] [--seconds 60 | --cycles 500] [--seed 1] [--engine totem|corosync]
// With the engine corosync (as root) each node is a network namespace with a corosync daemon: executives, daemons and
// whole nodes are killed and stopped, and links are cut.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { Application } from '../../examples/live/application.mjs';
import { compareBooks } from '../../examples/live/unattended.mjs';
import '../../tools/import-ts.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    cycles: { type: 'string' },
    engine: { type: 'string', default: 'totem' },
    seed: { type: 'string', default: '1' },
  },
});
const random = generator(Number(values.seed));
process.env.AISEXEC_TEST_ENGINE = values.engine;
const { layGround } = await import('../cluster/engine.fixture.ts');
const ground = await layGround({ nodes: Number(values.nodes) }, { storm: true });
const cluster = await LocalCluster.start(ground.options);
process.on('exit', () => {
  cluster.killAll();
  for (const node of ground.lab?.nodes ?? []) node.signal('SIGKILL');
});
const applications = cluster.nodes.map((node) => new Application(node));
await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();

const counts = {
  kill: 0,
  start: 0,
  pause: 0,
  resume: 0,
  killCorosync: 0,
  stopCorosync: 0,
  cut: 0,
  heal: 0,
  spared: 0,
};
const cycles = values.cycles === undefined ? Number.POSITIVE_INFINITY : Number(values.cycles);
const end = performance.now() + (values.cycles === undefined ? Number(values.seconds) * 1000 : 1e9);
for (let cycle = 0; cycle < cycles && performance.now() < end; cycle++) {
  if (ground.lab !== undefined && random() < 0.5) await strikeBelow(ground.lab);
  else await strike(cluster.nodes[Math.floor(random() * cluster.nodes.length)]);
  await delay(100 + random() * 1500);
}
if (ground.lab !== undefined) await calmBelow(ground.lab);
for (const node of cluster.nodes) {
  node.resume();
  if (node.condition === 'down') await node.start();
}
const report = await compareBooks({ cluster, applications });
console.log(`struck: ${JSON.stringify(counts)}`);
for (const { ok, check, against } of report.checks) {
  console.log(`${ok ? 'yes' : 'NO '}  ${check}${ok ? '' : `: ${against.join('; ')}`}`);
}
if (!report.ok) console.log(JSON.stringify(report.nodes, null, 2));
await Promise.all(applications.map((application) => application.stop()));
await cluster.stop();
await ground.close();
process.exit(report.ok ? 0 : 1);

/** States live in memory: when a majority of executives dies, what they acknowledged dies with them, on either engine. */
function isNeeded() {
  const up = cluster.nodes.filter((node) => node.condition === 'up').length;
  return up <= Math.floor(cluster.nodes.length / 2) + 1;
}

/** What befalls Corosync and its links, the executives living on. */
async function strikeBelow(lab) {
  const node = lab.nodes[Math.floor(random() * lab.nodes.length)];
  const what = random();
  if (!node.running) node.start();
  else if (what < 0.35) {
    counts.killCorosync++;
    await node.stop('SIGKILL');
  } else if (what < 0.6) {
    counts.stopCorosync++;
    node.signal('SIGSTOP');
  } else if (what < 0.8) {
    counts.cut++;
    lab.cut([node.id], true);
  } else {
    counts.heal++;
    heal(lab);
  }
}

function heal(lab) {
  for (const { id } of lab.nodes) {
    lab.cut([id], false);
    if (cluster.nodes[id - 1].condition !== 'paused') lab.node(id).signal('SIGCONT');
  }
}

async function calmBelow(lab) {
  for (const node of cluster.nodes) node.resume();
  heal(lab);
  for (const node of lab.nodes) if (!node.running) node.start();
  await lab.ring(lab.nodes.map(({ id }) => id));
}

async function strike(node) {
  if (node.condition === 'down') {
    counts.start++;
    await node.start();
  } else if (node.condition === 'paused') {
    counts.resume++;
    node.resume();
  } else if (ground.lab !== undefined && isNeeded()) {
    counts.spared++;
  } else if (random() < 0.5) {
    counts.kill++;
    node.kill();
    await node.exited();
  } else {
    counts.pause++;
    node.pause();
  }
}

function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
