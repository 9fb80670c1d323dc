// Messages per second and latency through the contract, engine beside engine beside a bare C program on libcpg, in the
// same laboratory (root, corosync, gcc): three network namespaces, corosync over knet aes256/sha256.
//   node test/bench/engines.mjs [--seconds 3] [--sizes 64,1024,16384,262144,1000000]
// Figures are counted at the first node: what it delivers, whoever sent. The C program sends at most 1,047,552 bytes.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import '../../tools/import-ts.mjs';

const { Lab, missing } = await import('../interop/netns.ts');
if (missing !== undefined) {
  console.error(`no figures here: ${missing}`);
  process.exit(1);
}
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '64,1024,16384,262144,1000000' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const IDS = [1, 2, 3];
const PINGS = 300;
const lab = new Lab({ nodes: { 1: 'corosync', 2: 'corosync', 3: 'corosync' }, transport: 'knet' });
process.on('exit', () => {
  for (const node of lab.nodes) node.signal('SIGKILL');
});

class Peer {
  #child;
  #lines = [];
  #wake = () => {};

  constructor(id, command) {
    const args = ['netns', 'exec', lab.node(id).namespace, ...command];
    this.#child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
  }

  tell(command) {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  async hear(type) {
    for (;;) {
      const at = this.#lines.findIndex((line) => line.type === type);
      if (at >= 0) return this.#lines.splice(0, at + 1).at(-1);
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ask(command, type) {
    this.tell(command);
    return this.hear(type);
  }

  end() {
    this.#child.stdin.end();
  }
}

function engineCommand(id, engine) {
  const address = (node) => `{id: ${node}, address: ${lab.node(node).address}}`;
  const yaml = [
    `engine: ${engine}`,
    `node: {id: ${id}}`,
    `state_dir: ${join(lab.directory, `state-${engine}-${id}`)}`,
    engine === 'totem' ? `nodelist: [${IDS.map(address).join(', ')}]` : '',
    engine === 'totem' ? 'totem: {port: 5505, allow_unsealed: true}' : '',
  ].join('\n');
  return [process.execPath, here('engine-node.mjs'), JSON.stringify({ nodes: IDS.length, yaml })];
}

async function measure(name, peers) {
  await Promise.all(peers.map((peer) => peer.hear('ready')));
  for (const size of values.sizes.split(',').map(Number)) {
    const { p50, p99 } = await peers[0].ask({ type: 'ping', size, rounds: PINGS }, 'pinged');
    const rates = [];
    for (const senders of [1, 3]) {
      for (const peer of peers.slice(0, senders)) peer.tell({ type: 'send', size });
      await delay(500);
      const from = await peers[0].ask({ type: 'count' }, 'counted');
      await delay(Number(values.seconds) * 1000);
      const to = await peers[0].ask({ type: 'count' }, 'counted');
      for (const peer of peers) peer.tell({ type: 'stop' });
      await delay(1000);
      const seconds = (to.at - from.at) / 1000;
      const rate = Math.round((to.delivered - from.delivered) / seconds);
      const mb = ((to.bytes - from.bytes) / seconds / 1e6).toFixed(1);
      rates.push(
        `${senders} sending: ${rate} msg/s ${mb} MB/s, ${Math.round(to.rss / 1e6)} MB rss`,
      );
    }
    const latency = `p50 ${p50.toFixed(2)} ms p99 ${p99.toFixed(2)} ms`;
    console.log(`${name.padEnd(9)} ${String(size).padStart(7)} B  ${latency}  ${rates.join('  ')}`);
  }
}

/** From the kill of a corosync to the word of its executive. */
async function detection(peers) {
  const killed = Date.now();
  lab.node(2).signal('SIGKILL');
  const { at } = await peers[1].hear('lost');
  console.log(`a killed corosync: its executive knew after ${at - killed} ms`);
}

lab.start();
await lab.ring(IDS);
const program = join(lab.directory, 'cpg-bench');
const built = spawnSync('gcc', ['-O2', here('cpg-bench.c'), '-lcpg', '-o', program]);
if (built.status !== 0) console.error(`no C program: ${built.stderr}`);
else {
  const bare = IDS.map((id) => new Peer(id, [program, String(IDS.length)]));
  await measure('libcpg, C', bare);
  for (const peer of bare) peer.end();
}
for (const engine of ['totem', 'corosync']) {
  const peers = IDS.map((id) => new Peer(id, engineCommand(id, engine)));
  await measure(engine, peers);
  if (engine === 'corosync') await detection(peers);
  for (const peer of peers) peer.end();
}
await lab.close();
process.exit(0);
