/**
 * A laboratory for mixed rings: a switch and a host per node, each a network namespace of its own, in which
 * Debian's corosync daemons and our executives run. Needs root, `ip` and `corosync`; `missing` says what is
 * not there. Everything it makes carries this process's id and is removed by `close`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { socketConnector } from '@aisexec/ipc';

const DAEMON = fileURLToPath(
  new URL('../../packages/executive/dist/bin/aisexec.js', import.meta.url),
);
const LOG_LINES_KEPT = 400;
const PORT = 5405;

/** Why the laboratory cannot be built here; undefined: it can. */
export const missing: string | undefined = findMissing();

function findMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (spawnSync('corosync', ['-v']).status !== 0) return 'corosync is not installed';
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

export type Kind = 'corosync' | 'aisexec';

export interface LabOptions {
  /** By nodeid. */
  readonly nodes: Readonly<Record<number, Kind>>;
  /** Lines for the section totem of corosync.conf; `key: value`. */
  readonly totem?: Readonly<Record<string, string | number>>;
  readonly quorum?: Readonly<Record<string, string | number>>;
  /** knet: encrypted and signed, as distributions set it up; only among corosync daemons. */
  readonly transport?: 'udpu' | 'udp' | 'knet';
  readonly family?: 'inet' | 'inet6';
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
    this.#ipIn(this.#switch, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    this.#ipIn(this.#switch, 'link', 'set', 'br0', 'up');
    const ids = Object.keys(options.nodes).map(Number);
    const addressOf = (id: number) => (options.family === 'inet6' ? `fd00::${id}` : `10.9.0.${id}`);
    this.nodes = ids.map((id) => {
      const namespace = `${this.#prefix}-${id}`;
      const address = addressOf(id);
      this.#wire(namespace, id, address);
      const directory = join(this.directory, `node-${id}`);
      mkdirSync(directory);
      const config = corosyncConf(options, ids, addressOf, directory);
      writeFileSync(join(directory, 'corosync.conf'), config);
      return options.nodes[id] === 'corosync'
        ? new CorosyncNode(id, namespace, address, directory)
        : new AisexecNode(id, namespace, address, directory);
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
  cut(ids: readonly number[], on: boolean): void {
    for (const id of ids) {
      this.#ipIn(this.#switch, 'link', 'set', `v${id}`, on ? 'down' : 'up');
    }
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

  #wire(namespace: string, id: number, address: string): void {
    this.#ip('netns', 'add', namespace);
    const link = ['link', 'add', `v${id}`, 'type', 'veth', 'peer', 'name', 'eth0'];
    this.#ipIn(this.#switch, ...link, 'netns', namespace);
    this.#ipIn(this.#switch, 'link', 'set', `v${id}`, 'master', 'br0', 'up');
    const length = address.includes(':') ? '64' : '24';
    const nodad = address.includes(':') ? ['nodad'] : [];
    this.#ipIn(namespace, 'addr', 'add', `${address}/${length}`, 'dev', 'eth0', ...nodad);
    this.#ipIn(namespace, 'link', 'set', 'eth0', 'up');
    this.#ipIn(namespace, 'link', 'set', 'lo', 'up');
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
  protected get command(): readonly string[] {
    // The daemon's lock file is the only thing that is global to the machine: /run is its own.
    const script = 'mount -t tmpfs none /run && exec corosync -f -c "$0"';
    const file = join(this.directory, 'corosync.conf');
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, file];
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
  readonly ring: { readonly id: string; readonly members: readonly number[] };
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

  constructor(id: number, namespace: string, address: string, directory: string, name = 'aisexec') {
    super(id, namespace, address, directory);
    this.name = name;
  }

  get socket(): string {
    return join(this.directory, `${this.name}.sock`);
  }

  protected get command(): readonly string[] {
    const file = join(this.directory, 'corosync.conf');
    const env = [`AISEXEC_SOCKET=${this.socket}`, `XDG_STATE_HOME=${this.directory}`];
    return ['env', ...env, process.execPath, DAEMON, '-c', file];
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

function corosyncConf(
  { nodes, totem = {}, quorum = {}, transport = 'udpu', family = 'inet' }: LabOptions,
  ids: readonly number[],
  addressOf: (id: number) => string,
  directory: string,
): string {
  const lines = (entries: object) =>
    Object.entries(entries).map(([key, value]) => `  ${key}: ${value}`);
  const node = (id: number) =>
    `  node {\n    nodeid: ${id}\n    name: ${nodes[id]}-${id}\n    ring0_addr: ${addressOf(id)}\n  }`;
  const crypto = { crypto_cipher: 'aes256', crypto_hash: 'sha256', keyfile: keyOf(directory) };
  const section = (name: string, body: readonly string[]) => [`${name} {`, ...body, '}'];
  return [
    ...section('totem', [
      ...lines({ version: 2, cluster_name: 'lab', transport, token: 1000, ...totem }),
      ...(transport === 'knet' ? lines(crypto) : []),
      ...lines({ ip_version: family === 'inet6' ? 'ipv6' : 'ipv4' }),
      ...(transport === 'udp' ? ['  interface {', `    mcastport: ${PORT}`, '  }'] : []),
    ]),
    ...section('nodelist', ids.map(node)),
    ...section('quorum', lines({ provider: 'corosync_votequorum', ...quorum })),
    ...section('logging', lines({ to_stderr: 'yes', to_syslog: 'no', to_logfile: 'no' })),
    ...section(
      'system',
      lines({ sched_rr: 'no', move_to_root_cgroup: 'no', state_dir: directory }),
    ),
    '',
  ].join('\n');
}

/** One key for all nodes of a laboratory. */
function keyOf(directory: string): string {
  const file = join(directory, '..', 'authkey');
  if (!existsSync(file)) writeFileSync(file, randomBytes(256), { mode: 0o400 });
  return file;
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
