// Several networks: how long until traffic goes over the other one, and what a second active link costs.
//   node test/bench/links.mjs [--token 1000] [--rounds 8] [--seconds 3]          (as root: in a network namespace of its own)
// cut: all three nodes lose their first network at once, without a word. Per round, until the last node has left it (its log),
// and the longest time that one lock or unlock took meanwhile. rotation: of the token, with every node locking and unlocking.
// notice: from kill -9 of a node until the others are told.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Membership } from '@aisexec/clm';
import { LocalNode } from '@aisexec/executive/local-cluster';
import { socketConnector } from '@aisexec/ipc';
import { LockService } from '@aisexec/lck';

const { values } = parseArgs({
  options: {
    token: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '3' },
    inside: { type: 'boolean', default: false },
  },
});
const NODES = 3;
const CLIENTS = 4;
const token = Number(values.token);

if (!values.inside) {
  const self = fileURLToPath(import.meta.url);
  const args = ['--net', process.execPath, self, '--inside', ...process.argv.slice(2)];
  process.exit(spawnSync('unshare', args, { stdio: 'inherit' }).status ?? 1);
}
execFileSync('ip', ['link', 'set', 'lo', 'up']);
await run('one link', 1, 'passive');
await run('two links, passive', 2, 'passive');
await run('two links, active', 2, 'active');

async function run(what, links, mode) {
  const directory = mkdtempSync(join(tmpdir(), 'aisexec-links-'));
  const left = [];
  const onLog = (node, line) => {
    if (!line.includes('"link-down"')) return;
    left.push({ node: node.id, peer: JSON.parse(line).peer, at: performance.now() });
  };
  const nodelist = Array.from({ length: NODES }, (_, i) => ({
    id: i + 1,
    name: `node-${i + 1}`,
    port: 5405,
    links: Array.from({ length: links }, (_, link) => `127.${link + 1}.0.${i + 1}`),
  }));
  const totem = { token, token_coefficient: 0, link_mode: mode };
  const nodes = nodelist.map(
    ({ id, name }) => new LocalNode({ id, name, directory, nodelist, cluster: { totem, onLog } }),
  );
  process.on('exit', () => {
    for (const node of nodes) node.kill();
  });
  const together = nodes.map((node) => node.sees(NODES));
  await Promise.all(nodes.map((node) => node.start()));
  await Promise.all(together);
  await delay(token);
  const load = await startLoad(nodes);
  report(`${what}: rotation under locks`, [await rotation(nodes)], 'ms');
  const rings = await ringOf(nodes[0]);
  if (links > 1) await cuts(what, left, load);
  await load.stop();
  const changed = (await ringOf(nodes[0])) !== rings;
  if (changed) console.log(`${what}: THE RING CHANGED`);
  report(`${what}: kill -9 until told`, [await notice(nodes)], 'ms');
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(directory, { recursive: true });
}

async function cuts(what, left, load) {
  const rule = ['INPUT', '-d', '127.1.0.0/16', '-j', 'DROP'];
  const switched = [];
  const longest = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    await delay((token / 8) * Math.random());
    left.length = 0;
    load.longest = 0;
    execFileSync('iptables-legacy', ['-A', ...rule]);
    const at = performance.now();
    while (left.length < NODES * (NODES - 1)) await delay(1);
    switched.push(Math.max(...left.map((one) => one.at)) - at);
    await delay(token);
    longest.push(load.longest);
    execFileSync('iptables-legacy', ['-D', ...rule]);
    // Until it is used again: the hold doubles with each cut.
    await load.recovered();
  }
  report(`${what}: cut until left by all`, switched, 'ms');
  report(`${what}: longest lock meanwhile`, longest, 'ms');
}

async function startLoad(nodes) {
  const state = { longest: 0, stopped: false };
  const services = await Promise.all(
    nodes.map((node) => LockService.connect({ socket: node.socket })),
  );
  const loops = services.flatMap((service, node) =>
    Array.from({ length: CLIENTS }, (_, i) => loop(service, `${node}-${i}`)),
  );
  async function loop(service, name) {
    const resource = await service.open(name, { create: true });
    while (!state.stopped) {
      const at = performance.now();
      const outcome = await resource.lock('EX');
      await outcome.lock.unlock();
      state.longest = Math.max(state.longest, performance.now() - at);
    }
  }
  state.recovered = async () => {
    for (;;) {
      const all = await Promise.all(nodes.map(statusOf));
      if (all.every(({ ring }) => ring.links.every(({ state }) => state === 'up'))) return;
      await delay(20);
    }
  };
  state.stop = async () => {
    state.stopped = true;
    await Promise.all(loops);
    await Promise.all(services.map((service) => service.close()));
  };
  return state;
}

async function rotation(nodes) {
  const visits = async () => (await statusOf(nodes[0])).counters.ring.tokenVisits;
  const [before, at] = [await visits(), performance.now()];
  await delay(Number(values.seconds) * 1000);
  const after = await visits();
  return (performance.now() - at) / (after - before);
}

async function notice(nodes) {
  const clients = await Promise.all(
    nodes.slice(0, -1).map((node) => Membership.connect({ socket: node.socket })),
  );
  const told = (count) =>
    Promise.all(
      clients.map(async (client) => {
        for await (const { members } of client.track()) if (members.length === count) return;
      }),
    );
  await told(NODES);
  const at = performance.now();
  nodes.at(-1).kill();
  await told(NODES - 1);
  const took = performance.now() - at;
  await Promise.all(clients.map((client) => client.close()));
  return took;
}

async function statusOf(node) {
  const connection = await socketConnector(node.socket).connect('admin');
  const { status } = await connection.request('status', {});
  await connection.close();
  return status;
}

async function ringOf(node) {
  return (await statusOf(node)).ring.id;
}

function report(what, figures, unit) {
  const sorted = [...figures].sort((a, b) => a - b);
  const text = (value) => value.toFixed(value < 10 ? 2 : 0);
  const spread = sorted.length === 1 ? '' : `, ${text(sorted[0])} to ${text(sorted.at(-1))}`;
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(`${what.padEnd(48)} ${text(median)} ${unit}${spread}`);
}
