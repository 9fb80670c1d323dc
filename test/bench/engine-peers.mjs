// Processes that measure one engine each, without services, in one laboratory of three real Corosync daemons over knet
// aes256/sha256 (root, corosync): engine-node.mjs on either engine, or the C program cpg-bench.c (gcc, libcpg-dev).
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import '../../tools/import-ts.mjs';

const { Lab, missing } = await import('../interop/netns.ts');
const IDS = [1, 2, 3];
/** So long that a busy machine is no fault. */
const TOKEN_MS = 10_000;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Three daemons in one ring; ends the program, saying why, where they cannot be. */
export async function layCorosync() {
  if (missing !== undefined) {
    console.error(`no figures here: ${missing}`);
    process.exit(1);
  }
  const nodes = Object.fromEntries(IDS.map((id) => [id, 'corosync']));
  const lab = new Lab({ nodes, transport: 'knet', totem: { token: TOKEN_MS } });
  process.on('exit', () => {
    for (const node of lab.nodes) node.signal('SIGKILL');
  });
  lab.start();
  await lab.ring(IDS);
  return lab;
}

/** One process a node, all of them ready. @returns undefined where there is no compiler for the C program. */
export async function startPeers(lab, kind) {
  const program = kind === 'c' ? compile(lab) : undefined;
  if (kind === 'c' && program === undefined) return undefined;
  const commandOf = (id) =>
    kind === 'c' ? [program, String(IDS.length)] : engineCommand(lab, id, kind);
  const peers = IDS.map((id) => new Peer(lab.node(id).namespace, commandOf(id)));
  await Promise.all(peers.map((peer) => peer.hear('ready')));
  return peers;
}

function compile(lab) {
  const program = join(lab.directory, 'cpg-bench');
  const built = spawnSync('gcc', ['-O2', here('cpg-bench.c'), '-lcpg', '-o', program]);
  if (built.status === 0) return program;
  console.error(`no C program: ${built.error?.message ?? built.stderr}`);
  return undefined;
}

function engineCommand(lab, id, engine) {
  const address = (node) => `{id: ${node}, address: ${lab.node(node).address}}`;
  const yaml = [
    `engine: ${engine}`,
    `node: {id: ${id}}`,
    `state_dir: ${join(lab.directory, `state-${engine}-${id}`)}`,
    engine === 'totem' ? `nodelist: [${IDS.map(address).join(', ')}]` : '',
    engine === 'totem' ? 'totem: {port: 5505, allow_unsealed: true}' : '',
  ].join('\n');
  const argument = JSON.stringify({ nodes: IDS.length, yaml });
  return [process.execPath, '--expose-gc', here('engine-node.mjs'), argument];
}

/** Commands go in, answers come out, a JSON document a line. */
class Peer {
  #child;
  #lines = [];
  #wake = () => {};

  constructor(namespace, command) {
    const args = ['netns', 'exec', namespace, ...command];
    this.#child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
  }

  get pid() {
    return this.#child.pid;
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

/** Resident memory of a lab's Corosync, in MB. */
export function corosyncMb(node) {
  const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'));
  return Number(rss[1]) / 1_000;
}
