// A storm over real processes: random kill -9, SIGSTOP and SIGCONT on a cluster under the live example's load,
// then calm, and the books of all applications are compared.
//   node test/chaos/storm.mjs [--nodes 5] [--seconds 60] [--seed 1]

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { Application } from '../../examples/live/application.mjs';
import { compareBooks } from '../../examples/live/unattended.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});
const random = generator(Number(values.seed));
const cluster = await LocalCluster.start({ nodes: Number(values.nodes) });
process.on('exit', () => cluster.killAll());
const applications = cluster.nodes.map((node) => new Application(node));
await Promise.all(applications.map((application) => application.start()));
for (const application of applications) application.begin();

const counts = { kill: 0, start: 0, pause: 0, resume: 0 };
const end = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < end) {
  await strike(cluster.nodes[Math.floor(random() * cluster.nodes.length)]);
  await delay(100 + random() * 1500);
}
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
process.exit(report.ok ? 0 : 1);

async function strike(node) {
  if (node.condition === 'down') {
    counts.start++;
    await node.start();
  } else if (node.condition === 'paused') {
    counts.resume++;
    node.resume();
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
