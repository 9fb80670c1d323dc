// How long until every survivor's client is told of a change of membership, this executive and Corosync in the same run:
//   node test/bench/detect.mjs [--rounds 5] [--what cold,kill,gone,stop] [--only NAMES] [--format json]
// Three nodes in namespaces on one bridge, a process on libcpg or on our client behind each. `cold`: three daemons
// spawned until the logs of all three show three members; `kill`: kill -9 of a daemon; `gone`: the cable of a node is cut,
// so that nobody answers for it; `stop`: SIGSTOP. The victim is each node in turn. The sides: `corosync` (its
// defaults), `corosync-1000` (token 1000), `aisexec` (its defaults: a derived token time-out), `aisexec-conf` and
// `aisexec-conf-1000` (the two files of Corosync). Needs root, iproute2, corosync, gcc and libcpg-dev.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { compilePeer, corosyncConf, Daemon, Peer } from './daemons.mjs';
import { Network } from './netns.mjs';

/** A fault at any moment of an idle ring's rotation, not always at the same one. */
const SPREAD_MS = 1_000;
const SIDES = {
  corosync: { kind: 'corosync', totem: {} },
  'corosync-1000': { kind: 'corosync', totem: { token: 1_000 } },
  aisexec: { kind: 'aisexec' },
  'aisexec-conf': { kind: 'aisexec', totem: {} },
  'aisexec-conf-1000': { kind: 'aisexec', totem: { token: 1_000 } },
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    what: { type: 'string', default: 'cold,kill,gone,stop' },
    only: { type: 'string', default: Object.keys(SIDES).join() },
    format: { type: 'string', default: 'text' },
  },
});
const rounds = Number(values.rounds);
const faults = values.what.split(',');
const results = [];

for (const name of values.only.split(',')) await measure(name);
if (values.format === 'json') console.log(JSON.stringify(results, null, 2));
process.exit();

async function measure(name) {
  const network = new Network(3, 1_500);
  const program = compilePeer(network);
  const daemons = network.nodes.map(
    (node) => new Daemon(network, node, SIDES[name].kind, file(name, network.nodes, node)),
  );
  const peers = new Map();
  /** The processes of running daemons; those of a daemon that ended have ended. */
  const connect = async () => {
    for (const daemon of daemons) {
      if (!peers.has(daemon)) peers.set(daemon, new Peer(network, daemon, program));
    }
    await Promise.all([...peers.values()].map((peer) => peer.members([1, 2, 3], sinceLast(peer))));
  };
  const end = async (daemon) => {
    peers.get(daemon)?.kill();
    peers.delete(daemon);
    await daemon.kill();
  };
  const cold = [];
  for (let round = 0; round < (faults.includes('cold') ? rounds : 1); round++) {
    for (const daemon of daemons) await end(daemon);
    const from = performance.now();
    for (const daemon of daemons) daemon.start();
    await Promise.all(daemons.map((daemon) => daemon.formed()));
    cold.push(performance.now() - from);
  }
  await connect();
  if (faults.includes('cold')) note(name, 'cold', cold);
  for (const fault of faults.filter((one) => one !== 'cold')) {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const victim = daemons[round % daemons.length];
      const survivors = daemons.filter((daemon) => daemon !== victim);
      await delay(SPREAD_MS * (0.5 + Math.random()));
      const ids = survivors.map(({ node }) => node.id);
      const told = survivors.map((daemon) => {
        const peer = peers.get(daemon);
        return peer.members(ids, peer.lines.length);
      });
      const from = performance.now();
      if (fault === 'kill') victim.child.kill('SIGKILL');
      else if (fault === 'stop') victim.child.kill('SIGSTOP');
      else network.cut(victim.node, true);
      times.push(Math.max(...(await Promise.all(told))) - from);
      await end(victim);
      if (fault === 'gone') network.cut(victim.node, false);
      victim.start();
      await connect();
    }
    note(name, fault, times);
  }
  network.close();
}

/** The number of the last line about members: what it shows holds. */
function sinceLast({ lines }) {
  return Math.max(
    0,
    lines.findLastIndex(({ line }) => line.startsWith('members')),
  );
}

function file(name, nodes, self) {
  const { totem } = SIDES[name];
  if (totem !== undefined) return { config: corosyncConf(nodes, self, { totem }) };
  const list = nodes.map(({ id, address }) => ({ id, address }));
  const config = {
    totem: { allow_unsealed: true },
    nodelist: list,
    services: ['clm', 'lck', 'evt', 'ckpt', 'cpg'],
    state_dir: self.directory,
  };
  // JSON is YAML.
  return { file: 'aisexec.yaml', config: JSON.stringify(config) };
}

function note(name, what, times) {
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  const worst = times.at(-1);
  results.push({ name, what, rounds: times.length, median, worst });
  if (values.format !== 'text') return;
  const text = `${name}, ${what}`.padEnd(28);
  console.log(
    `${text} median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms (${times.length})`,
  );
}
