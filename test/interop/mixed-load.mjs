// Two Corosync daemons and one executive in one ring, a program on libcpg or on our client behind each, all three
// sending at once: what is delivered must be the same everywhere, in the same order (checks A2, A3 and A8 of the
// acceptance list in README.md, in full).
//   node test/interop/mixed-load.mjs [--messages 100000] [--bytes 1000000] [--loss 0,1,5] [--ours 2] [--format json]
//     [--totem token=2000,token_retransmits_before_loss_const=30] [--within SECONDS] [--seed 1]
//     [--fuzz DATAGRAMS] [--targets 2] [--pause MICROSECONDS]
// `--messages` are those of all three together for each loss; sizes are of all magnitudes from 1 byte to `--bytes`.
// `--loss` is what every node loses of what it is sent, in percent. `--fuzz` then sends so many mutated datagrams to
// the targets, half of them from a stranger and half from the address of node 1, under load: no daemon may end, and
// afterwards the ring must be whole and carry a load again.
// Needs root, iproute2, iptables-legacy, corosync, gcc and libcpg-dev. Exit status 1: hashes differ, or a daemon ended.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { socketConnector } from '@aisexec/ipc';
import { compilePeer, corosyncConf, Daemon, loseReceived, Peer, until } from '../bench/daemons.mjs';
import { Network } from '../bench/netns.mjs';

const NODES = [1, 2, 3];
const FUZZ_SECONDS_MAX = 3_600;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    bytes: { type: 'string', default: '1000000' },
    loss: { type: 'string', default: '0,1,5' },
    ours: { type: 'string', default: '2' },
    totem: { type: 'string', default: 'token=2000,token_retransmits_before_loss_const=30' },
    within: { type: 'string', default: '7200' },
    seed: { type: 'string', default: '1' },
    fuzz: { type: 'string', default: '0' },
    targets: { type: 'string', default: '2' },
    pause: { type: 'string', default: '100' },
    format: { type: 'string', default: 'text' },
  },
});
const ours = Number(values.ours);
const withinMs = Number(values.within) * 1_000;
const rows = [];

const network = new Network(NODES.length + 1, 1_500);
const members = network.nodes.slice(0, NODES.length);
const stranger = network.nodes[NODES.length];
const totem = Object.fromEntries(values.totem.split(',').map((pair) => pair.split('=')));
const daemons = members.map((node) => {
  const config = corosyncConf(members, node, { totem });
  return new Daemon(network, node, node.id === ours ? 'aisexec' : 'corosync', { config });
});
for (const daemon of daemons) daemon.start();
const program = compilePeer(network);
const peers = await joined();
if (values.format !== 'json') {
  console.log(`nodes: ${daemons.map(({ kind, node }) => `${node.id} ${kind}`).join(', ')}`);
}
for (const percent of values.loss.split(',').map(Number)) {
  for (const node of members) loseReceived(node, percent);
  note(await load(`loss ${percent} %`, Number(values.messages)));
  for (const node of members) loseReceived(node, 0);
}
if (Number(values.fuzz) > 0) note(await fuzzed(Number(values.fuzz)));
if (values.format === 'json') console.log(JSON.stringify(rows, null, 2));
process.exit(rows.every(({ equal, ended }) => equal && ended === 0) ? 0 : 1);

/** A process behind every daemon, and all of them see each other. Daemons that start take their time to listen. */
async function joined() {
  const started = daemons.map((daemon) => {
    return new Peer(network, daemon, program);
  });
  await Promise.all(started.map((peer) => peer.members(NODES)));
  return started;
}

/** All send their share; resolves when all have everything. */
async function load(what, messages) {
  const [before, resentBefore] = [usage(), await resent()];
  await Promise.all(peers.map((peer) => peer.ask('reset')));
  const share = Math.ceil(messages / peers.length);
  const from = performance.now();
  const answers = peers.map((peer, i) => {
    // The line "sent" answers.
    const at = peer.lines.length;
    peer.tell(`mix ${share} ${values.bytes} ${Number(values.seed) * 100 + i}`);
    return peer.line((line) => line.startsWith('sent'), at, withinMs);
  });
  await Promise.all(answers);
  const wanted = share * peers.length;
  const hashes = await until(
    async () => {
      const all = await Promise.all(peers.map((peer) => peer.ask('hash', withinMs)));
      return all.every((one) => Number(one.split(' ')[1]) >= wanted) ? all : undefined;
    },
    `${wanted} deliveries at every node`,
    withinMs,
  );
  const resentAfter = await resent();
  return {
    what,
    messages: wanted,
    seconds: (performance.now() - from) / 1_000,
    equal: new Set(hashes).size === 1,
    hash: hashes[0].split(' ')[2],
    resent: resentAfter.map((count, i) => count - resentBefore[i]),
    ended: daemons.filter((daemon) => !daemon.running).length,
    residentMiB: usage(),
    residentBeforeMiB: before,
  };
}

/** Messages that each node sent again, and for Corosync the same by its own count. */
async function resent() {
  return await Promise.all(
    daemons.map(async ({ kind, node }) => {
      if (kind === 'aisexec') {
        return (await ringCounters(node)).messagesResent;
      }
      const child = network.spawn(
        node,
        ['corosync-cmapctl', '-m', 'stats', 'stats.srp.mcast_retx'],
        {
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      return Number(/= (\d+)/.exec(text)?.[1]);
    }),
  );
}

async function ringCounters(node) {
  const connection = await socketConnector(join(node.directory, 'sock')).connect('admin');
  const { status } = await connection.request('status', {});
  await connection.close();
  return status.counters.ring;
}

/** What our node made of it: packets it refused, and how often the ring was formed anew. */
async function refusals() {
  const counters = await ringCounters(members.find(({ id }) => id === ours));
  const drops = Object.keys(counters).filter((key) => key.startsWith('drop.'));
  const dropped = drops.reduce((sum, key) => sum + counters[key], 0);
  return { dropped, rings: counters.ringsFormed };
}

async function fuzzed(count) {
  const before = await refusals();
  const from = performance.now();
  const targets = values.targets
    .split(',')
    .map((id) => members.find((node) => node.id === Number(id)).address);
  const file = fileURLToPath(new URL('./fuzz-sender.mjs', import.meta.url));
  const senders = [stranger, members[0]].map((node, i) => {
    const seed = String(Number(values.seed) * 10 + i);
    const half = String(Math.ceil(count / 2));
    const args = [file, targets.join(), half, seed, values.pause];
    return network.spawn(node, [process.execPath, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
  const over = Promise.all(senders.map((child) => new Promise((end) => child.once('exit', end))));
  // Under load; whether it arrives everywhere is not asked: the ring may split while forged packets come in.
  for (const [i, peer] of peers.entries()) peer.tell(`mix 2000 1000 ${i + 1}`);
  const late = setTimeout(() => {
    for (const child of senders) child.kill('SIGKILL');
  }, FUZZ_SECONDS_MAX * 1_000);
  await over;
  clearTimeout(late);
  const ended = daemons.filter((daemon) => !daemon.running);
  for (const daemon of ended) console.error(daemon.tail.join('\n'));
  if (ended.length > 0) return { what: 'fuzz', ended: ended.length, equal: false };
  const at = performance.now();
  await Promise.all(
    peers.map(async (peer) => {
      await peer.line((line) => line.startsWith('sent 2000'), 0, withinMs);
      // The ring may be whole already; a lasting view is the last line about members.
      await until(() => isWhole(peer), `node ${peer.daemon.node.id} sees all three`, withinMs);
    }),
  );
  const recovered = (performance.now() - at) / 1_000;
  const after = await refusals();
  const row = await load('after it', 3_000);
  return {
    ...row,
    what: `fuzz ${count}, then load`,
    seconds: (performance.now() - from) / 1_000,
    recovered,
    dropped: after.dropped - before.dropped,
    rings: after.rings - before.rings,
  };
}

function isWhole({ lines }) {
  const last = lines.findLast(({ line }) => line.startsWith('members'))?.line ?? '';
  const all = /all=(\S*)/.exec(last)?.[1]?.split(',') ?? [];
  return all.length === NODES.length;
}

/** Resident memory of the daemons, MiB. */
function usage() {
  return daemons.map(({ child, running }) => {
    if (!running) return 0;
    const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1_024);
  });
}

/** A run of hours shows what it has as soon as it has it. */
function note(row) {
  rows.push(row);
  if (values.format !== 'json') print(row);
}

function print(row) {
  console.log(
    [
      row.what.padEnd(26),
      `${String(row.messages ?? '-').padStart(7)} messages`,
      `${(row.seconds ?? 0).toFixed(1).padStart(7)} s`,
      row.equal ? `hashes equal (${row.hash})` : 'HASHES DIFFER',
      `sent again ${row.resent?.join(' / ')}`,
      `daemons ended ${row.ended}`,
      ...(row.dropped === undefined
        ? []
        : [
            `refused ${row.dropped}, ${row.rings} rings, whole after ${row.recovered.toFixed(1)} s`,
          ]),
      `MiB ${row.residentBeforeMiB?.join(' / ')} -> ${row.residentMiB?.join(' / ')}`,
    ].join('  '),
  );
}
