// Nodes in network namespaces of their own on one bridge, for programs that measure: veth pairs of a given MTU, and
// processes in them. Needs root and iproute2. Names carry this process's id; `close` removes everything.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let networks = 0;

export class Network {
  directory = mkdtempSync(join(tmpdir(), 'aisexec-bench-'));
  nodes;
  #prefix = `aib${process.pid}-${networks++}`;
  #children = new Set();

  constructor(count, mtu) {
    const bridge = `${this.#prefix}-sw`;
    ip('netns', 'add', bridge);
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    this.nodes = Array.from({ length: count }, (_, index) => {
      const id = index + 1;
      const namespace = `${this.#prefix}-${id}`;
      ip('netns', 'add', namespace);
      const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'mtu', String(mtu), 'netns', namespace];
      ip('-n', bridge, 'link', 'add', `v${id}`, 'mtu', String(mtu), ...peer);
      ip('-n', bridge, 'link', 'set', `v${id}`, 'master', 'br0', 'up');
      ip('-n', namespace, 'addr', 'add', `10.9.0.${id}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
      const directory = join(this.directory, `node-${id}`);
      mkdirSync(directory);
      return { id, namespace, address: `10.9.0.${id}`, directory };
    });
    ip('-n', bridge, 'link', 'set', 'br0', 'mtu', String(mtu), 'up');
    process.on('exit', () => this.close());
  }

  spawn(node, command, { env = {}, stdio = ['pipe', 'pipe', 'inherit'] } = {}) {
    const child = spawn('ip', ['netns', 'exec', node.namespace, ...command], {
      stdio,
      env: { ...process.env, ...env },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Pulls a node's cable, or puts it back. */
  cut({ id }, on) {
    ip('-n', `${this.#prefix}-sw`, 'link', 'set', `v${id}`, on ? 'down' : 'up');
  }

  close() {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of [...this.nodes.map(({ namespace }) => namespace), `${this.#prefix}-sw`]) {
      try {
        ip('netns', 'del', name);
      } catch {
        // It is gone already.
      }
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function ip(...args) {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'ignore'] });
}
