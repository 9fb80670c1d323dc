/**
 * A laboratory for mixed rings: a switch and a host per node, each a network namespace of its own, in which
 * Debian's corosync daemons and our executives run. Needs root, `ip` and `corosync`; `missing` says what is
 * not there. Everything it makes carries this process's id and is removed by `close`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LabOptions, writeConfig } from './lab-config.ts';
import { AisexecNode, CorosyncNode, type LabNode, SpyNode } from './lab-nodes.ts';
import { until } from './until.ts';

export { AisexecNode, CorosyncNode, until };

/** Why the laboratory cannot be built here, even without corosync; undefined: it can. */
export const namespacesMissing: string | undefined = findMissing();

/** Why corosync cannot run in it; undefined: it can. */
export const missing: string | undefined = namespacesMissing ?? corosyncMissing();

function corosyncMissing(): string | undefined {
  return spawnSync('corosync', ['-v']).status === 0 ? undefined : 'corosync is not installed';
}

function findMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `ais${process.pid}-try`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'ip netns does not work here';
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

/** Why packets cannot be lost here; undefined: they can. */
export function lossMissing(): string | undefined {
  const found = spawnSync('iptables-legacy', ['--version']).status === 0;
  return found ? undefined : 'iptables-legacy is not installed';
}

export class Lab {
  readonly directory = mkdtempSync(join(tmpdir(), 'aisexec-lab-'));
  readonly nodes: readonly LabNode[];
  /** Of this process and of no other that lives: no two checkouts meet. */
  readonly #prefix = `ais${process.pid}-${labs++}`;

  constructor(options: LabOptions) {
    this.#addNamespace(this.#switch);
    const networks = Array.from({ length: options.networks ?? 1 }, (_, network) => network);
    for (const network of networks) {
      const bridge = `br${network}`;
      this.#ipIn(this.#switch, 'link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0');
      this.#ipIn(this.#switch, 'link', 'set', bridge, 'up');
    }
    const ids = Object.keys(options.nodes).map(Number);
    const addressOf = (id: number, network = 0) =>
      options.family === 'inet6' ? `fd0${network}::${id}` : `10.9.${network}.${id}`;
    this.nodes = ids.map((id) => {
      const namespace = `${this.#prefix}-${id}`;
      const address = addressOf(id);
      this.#addNamespace(namespace);
      this.#ipIn(namespace, 'link', 'set', 'lo', 'up');
      for (const network of networks) {
        this.#wire(namespace, id, network, addressOf(id, network));
      }
      const directory = join(this.directory, `node-${id}`);
      mkdirSync(directory);
      const file = writeConfig(options, ids, id, addressOf, directory);
      const kind = options.nodes[id];
      if (kind === 'corosync') return new CorosyncNode(id, namespace, address, directory);
      if (kind === 'spy') return new SpyNode(id, namespace, address, directory);
      return new AisexecNode(id, namespace, address, directory, 'aisexec', file);
    });
  }

  node(id: number): LabNode {
    return this.nodes.find((node) => node.id === id)!;
  }

  corosync(id: number): CorosyncNode {
    return this.node(id) as CorosyncNode;
  }

  aisexec(id: number): AisexecNode {
    return this.node(id) as AisexecNode;
  }

  /** Starts all nodes at once; see {@link members} for the rest. */
  start(): void {
    for (const node of this.nodes) node.start();
  }

  /** Resolves when each of these nodes shows exactly these members in one ring. */
  async ring(ids: readonly number[]): Promise<void> {
    const nodes = ids.map((id) => this.node(id));
    await until(
      async () => {
        const rings = await Promise.all(nodes.map((node) => node.ring()));
        const shown = rings.map((ring) => `${ring?.id} ${ring?.members.join()}`);
        const same = rings[0]?.members.join() === ids.join() && new Set(shown).size === 1;
        return same ? undefined : shown.join('; ');
      },
      () => this.nodes.map((node) => node.tail()).join('\n'),
    );
  }

  /** Drops everything that goes in or out of these nodes, or no longer. */
  cut(ids: readonly number[], on: boolean, network = 0): void {
    for (const id of ids) {
      this.#ipIn(this.#switch, 'link', 'set', `v${id}-${network}`, on ? 'down' : 'up');
    }
  }

  /** `ip` in a node's namespace. */
  ip(id: number, ...args: string[]): void {
    this.#ipIn(this.node(id).namespace, ...args);
  }

  /** Drops every packet that comes to a node on one network, unseen, or no longer. */
  drop(id: number, network: number, on: boolean): void {
    const rule = ['INPUT', '-i', `eth${network}`, '-j', 'DROP'];
    const change = [on ? '-A' : '-D', ...rule];
    const { namespace } = this.node(id);
    execFileSync('ip', ['netns', 'exec', namespace, 'iptables-legacy', ...change]);
  }

  /** Random loss of what a node is sent and of what it sends, in percent; 0 ends it. */
  loss(id: number, percent: number): void {
    const { address } = this.node(id);
    for (const node of this.nodes) {
      const from = node.id === id ? [] : ['-s', address];
      const chance = String(percent / 100);
      const rule = ['-p', 'udp', '-m', 'statistic', '--mode', 'random', '--probability', chance];
      const change =
        percent === 0 ? ['-F', 'INPUT'] : ['-A', 'INPUT', ...from, ...rule, '-j', 'DROP'];
      execFileSync('ip', ['netns', 'exec', node.namespace, 'iptables-legacy', ...change]);
    }
  }

  /** Drops every datagram with a message for this node, or no longer; tokens and joins are smaller and pass. */
  withholdMessages(id: number, on: boolean): void {
    const rule = ['-p', 'udp', '-m', 'length', '--length', '700:65535', '-j', 'DROP'];
    const change = on ? ['-A', 'INPUT', ...rule] : ['-F', 'INPUT'];
    const inside = ['netns', 'exec', this.node(id).namespace];
    execFileSync('ip', [...inside, 'iptables-legacy', ...change]);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.destroy()));
    for (const node of this.nodes) this.#ip('netns', 'del', node.namespace);
    this.#ip('netns', 'del', this.#switch);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #switch(): string {
    return `${this.#prefix}-sw`;
  }

  /** One of this name is what a process with the same id left behind that was killed. */
  #addNamespace(name: string): void {
    if (existsSync(join('/run/netns', name))) this.#ip('netns', 'del', name);
    this.#ip('netns', 'add', name);
  }

  #wire(namespace: string, id: number, network: number, address: string): void {
    const [port, device] = [`v${id}-${network}`, `eth${network}`];
    const link = ['link', 'add', port, 'type', 'veth', 'peer', 'name', device];
    this.#ipIn(this.#switch, ...link, 'netns', namespace);
    this.#ipIn(this.#switch, 'link', 'set', port, 'master', `br${network}`, 'up');
    const length = address.includes(':') ? '64' : '24';
    const nodad = address.includes(':') ? ['nodad'] : [];
    this.#ipIn(namespace, 'addr', 'add', `${address}/${length}`, 'dev', device, ...nodad);
    this.#ipIn(namespace, 'link', 'set', device, 'up');
  }

  #ip(...args: string[]): void {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  #ipIn(namespace: string, ...args: string[]): void {
    this.#ip('-n', namespace, ...args);
  }
}

let labs = 0;
