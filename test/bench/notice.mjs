// How long after kill -9 clients on the surviving nodes are told, by the part the victim plays in the ring:
//   node test/bench/notice.mjs [--rounds 12] [--nodes 3] [--io auto|plain] [--format json]
// `--io plain` shows the same without hints from the kernel: the token time-out decides.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Membership } from '@aisexec/clm';
import { LocalCluster } from '@aisexec/executive/local-cluster';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    nodes: { type: 'string', default: '3' },
    io: { type: 'string', default: 'auto' },
    format: { type: 'string', default: 'text' },
  },
});
const nodes = Number(values.nodes);
/** A kill at any moment of the idle ring's rotation, not always at the same one. */
const SPREAD_MS = 200;

const cluster = await LocalCluster.start({ nodes, totem: { io: values.io } });
process.on('exit', () => cluster.killAll());
const results = [];
for (let index = 0; index < nodes; index++) {
  const times = [];
  for (let round = 0; round < Number(values.rounds); round++) times.push(await kill(index));
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  const role = index === 0 ? 'representative' : index === nodes - 1 ? 'last' : 'in between';
  const [median, worst] = [at(0.5), at(1)];
  results.push({ node: index + 1, role, io: values.io, median, worst });
  if (values.format === 'text') {
    const text = `node ${index + 1} (${role}), io ${values.io}`;
    console.log(`${text.padEnd(40)} median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms`);
  }
}
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));
await cluster.stop();

/** Until the last survivor's client has been told. */
async function kill(index) {
  const victim = cluster.nodes[index];
  const survivors = cluster.nodes.filter((node) => node !== victim);
  const clients = await Promise.all(
    survivors.map((node) => Membership.connect({ socket: node.socket })),
  );
  await Promise.all(clients.map((client) => membersAre(client, nodes)));
  await delay(SPREAD_MS * (0.5 + Math.random()));
  const noticed = clients.map((client) => membersAre(client, nodes - 1));
  const at = performance.now();
  victim.kill();
  await Promise.all(noticed);
  const took = performance.now() - at;
  await victim.exited();
  await victim.start();
  await Promise.all(clients.map((client) => membersAre(client, nodes)));
  await Promise.all(clients.map((client) => client.close()));
  return took;
}

async function membersAre(membership, count) {
  for await (const { members } of membership.track()) if (members.length === count) return;
}
