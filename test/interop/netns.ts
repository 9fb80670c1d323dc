/**
 * A laboratory for mixed rings: a switch and a host per node, each a network namespace of its own, in which
 * Debian's corosync daemons and our executives run. Needs root, `ip` and `corosync`; `missing` says what is
 * not there. Everything it makes carries this process's id and is removed by `close`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { socketConnector } from '@aisexec/ipc';
import { KEY_FILE, type LabOptions, writeConfig } from './lab-config.ts';

const DAEMON = fileURLToPath(
  new URL('../../packages/executive/dist/bin/aisexec.js', import.meta.url),
);
const LOG_LINES_KEPT = 400;

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

/** What `corosync-quorumtool -s` says. */
export interface QuorumStatus {
  readonly ringId: string;
  readonly quorate: boolean;
  readonly votes: number;
  readonly members: readonly number[];
}

export class Lab {
  readonly directory = mkdtempSync(join(tmpdir(), 'aisexec-lab-'));
  readonly nodes: readonly LabNode[];
  readonly #prefix = `ais${process.pid}${labs++}`;

  constructor(options: LabOptions) {
    this.#ip('netns', 'add', this.#switch);
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
      this.#ip('netns', 'add', namespace);
      this.#ipIn(namespace, 'link', 'set', 'lo', 'up');
      for (const network of networks) {
        this.#wire(namespace, id, network, addressOf(id, network));
      }
      const directory = join(this.directory, `node-${id}`);
      mkdirSync(directory);
      const file = writeConfig(options, ids, id, addressOf, directory);
      return options.nodes[id] === 'corosync'
        ? new CorosyncNode(id, namespace, address, directory)
        : new AisexecNode(id, namespace, address, directory, 'aisexec', file);
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

/** One daemon in its namespace. */
abstract class LabNode {
  readonly id: number;
  readonly namespace: string;
  readonly address: string;
  readonly directory: string;
  #child: ChildProcess | undefined;
  #lines: string[] = [];
  /** How the last process ended. */
  exit: string | undefined;

  constructor(id: number, namespace: string, address: string, directory: string) {
    this.id = id;
    this.namespace = namespace;
    this.address = address;
    this.directory = directory;
  }

  protected abstract readonly command: readonly string[];
  /** The ring as the node sees it. */
  abstract ring(): Promise<{ id: string; members: readonly number[] } | undefined>;

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Of the daemon: `ip` and what else comes first replace themselves. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Everything logged since the start that has this in it. */
  logged(text: string): readonly string[] {
    return this.#lines.filter((line) => line.includes(text));
  }

  tail(): string {
    return [`-- node ${this.id} (${this.exit ?? 'running'})`, ...this.#lines.slice(-12)].join('\n');
  }

  start(): void {
    if (this.#child !== undefined) throw new Error(`node ${this.id} runs already`);
    this.exit = undefined;
    const child = this.spawn(this.command);
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > LOG_LINES_KEPT) this.#lines.shift();
      });
    }
    child.once('exit', (code, signal) => {
      this.exit = signal ?? `exit ${code}`;
      this.#child = undefined;
    });
  }

  spawn(command: readonly string[]): ChildProcess {
    const args = ['netns', 'exec', this.namespace, ...command];
    return spawn('ip', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Runs a command in the namespace to its end. @returns what it printed. */
  async run(command: readonly string[]): Promise<string> {
    const child = this.spawn(command);
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr!.resume();
    await once(child, 'close');
    return text;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM or another, and resolves when the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async destroy(): Promise<void> {
    await this.stop('SIGKILL');
  }
}

export class CorosyncNode extends LabNode {
  /** The daemon: another build of it for a ring of two versions. */
  program = 'corosync';

  get configFile(): string {
    return join(this.directory, 'corosync.conf');
  }

  protected get command(): readonly string[] {
    // The daemon's lock file is the only thing that is global to the machine: /run is its own.
    const script = 'mount -t tmpfs none /run && exec "$1" -f -c "$0"';
    const own = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
    return [...own, this.configFile, this.program];
  }

  async status(): Promise<QuorumStatus | undefined> {
    const text = await this.run(['corosync-quorumtool', '-s']);
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(text)?.[1];
    const ringId = field('Ring ID');
    if (ringId === undefined) return undefined;
    const list = text.slice(text.indexOf('Nodeid'));
    return {
      ringId,
      quorate: field('Quorate') === 'Yes',
      votes: Number(field('Total votes') ?? 0),
      members: [...list.matchAll(/^ +(\d+) +\S+ /gm)].map((match) => Number(match[1])),
    };
  }

  async ring() {
    const status = this.running ? await this.status() : undefined;
    if (status === undefined) return undefined;
    const [rep, seq] = status.ringId.split('.');
    return { id: `${rep}.${Number.parseInt(seq!, 16)}`, members: status.members };
  }
}

interface Status {
  readonly ring: {
    readonly id: string;
    readonly members: readonly number[];
    readonly links: readonly {
      readonly peer: number;
      readonly link: number;
      readonly state: string;
      readonly used: boolean;
    }[];
  };
  readonly view: {
    readonly ring: string;
    readonly quorate: boolean;
    readonly members: readonly { id: number }[];
  } | null;
  readonly quorum: { readonly quorate: boolean; readonly votes: number; readonly needed: number };
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export class AisexecNode extends LabNode {
  /** Names its files: several may share a directory. */
  readonly name: string;
  readonly #config: string;

  constructor(
    id: number,
    namespace: string,
    address: string,
    directory: string,
    name = 'aisexec',
    config = join(directory, 'corosync.conf'),
  ) {
    super(id, namespace, address, directory);
    this.name = name;
    this.#config = config;
  }

  /** Of a sealed lab: this node's own copy. */
  get keyFile(): string {
    return join(this.directory, KEY_FILE);
  }

  get socket(): string {
    return join(this.directory, `${this.name}.sock`);
  }

  protected get command(): readonly string[] {
    const env = [`AISEXEC_SOCKET=${this.socket}`, `XDG_STATE_HOME=${this.directory}`];
    return ['env', ...env, process.execPath, DAEMON, '-c', this.#config];
  }

  async status(): Promise<Status | undefined> {
    try {
      const connection = await socketConnector(this.socket).connect('admin');
      const reply = await connection.request('status', {});
      await connection.close();
      return reply['status'] as Status;
    } catch {
      return undefined;
    }
  }

  /** Only once the synchronisation is over. */
  async ring() {
    const status = this.running ? await this.status() : undefined;
    return status?.view?.ring === status?.ring.id ? status?.ring : undefined;
  }
}

/** Asks until there is nothing wrong. A bound on hanging, never a wait. */
export async function until(
  wrong: () => Promise<string | undefined> | string | undefined,
  context: () => string = () => '',
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await wrong();
    if (answer === undefined) return;
    if (performance.now() > end) throw new Error(`still: ${answer}\n${context()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
