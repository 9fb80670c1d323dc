/** The nodes of a laboratory: a daemon of either kind, or a listener, as a process in a namespace of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { socketConnector } from '@aisexec/ipc';
import { KEY_FILE } from './lab-config.ts';

const DAEMON = fileURLToPath(
  new URL('../../packages/executive/dist/bin/aisexec.js', import.meta.url),
);
const SPY = fileURLToPath(new URL('./sync-spy.mjs', import.meta.url));
const LOG_LINES_KEPT = 400;

/** What `corosync-quorumtool -s` says. */
export interface QuorumStatus {
  readonly ringId: string;
  readonly quorate: boolean;
  readonly votes: number;
  readonly members: readonly number[];
}

/** One daemon in its namespace. */
export abstract class LabNode {
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

  get pid(): number {
    return this.#child!.pid!;
  }

  /** A line for its standard input. */
  tell(line: string): void {
    this.#child!.stdin!.write(`${line}\n`);
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

/** In the nodelist, but no member: it watches what the others send (sync-spy.mjs). */
export class SpyNode extends LabNode {
  protected get command(): readonly string[] {
    return [process.execPath, SPY, this.address];
  }

  async ring() {
    return undefined;
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
