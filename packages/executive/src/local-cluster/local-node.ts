import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { LocalClusterOptions, Place } from './options.ts';

export type NodeCondition = 'down' | 'starting' | 'up' | 'paused';

interface NodelistEntry {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

interface LocalNodeOptions {
  readonly id: number;
  readonly name: string;
  readonly directory: string;
  readonly nodelist: readonly NodelistEntry[];
  readonly cluster: LocalClusterOptions;
}

const DAEMON = fileURLToPath(new URL('../bin/aisexec.js', import.meta.url));
/** Last log lines kept, to say why a daemon did not start. */
const LOG_TAIL_LINES = 20;

/** One `aisexec` process of a {@link LocalCluster}. */
export class LocalNode {
  readonly id: number;
  readonly name: string;
  /** Where clients connect: the `socket` option of every `connect`. */
  readonly socket: string;
  readonly directory: string;
  condition: NodeCondition = 'down';
  /** The program that `start` runs: another build's `bin/aisexec.js` for a ring of two versions. Default: this one's. */
  program: string | undefined;
  readonly #options: LocalNodeOptions;
  #child: ChildProcess | undefined;
  #tail: string[] = [];
  readonly #watchers = new Set<(members: number) => void>();

  constructor(options: LocalNodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = options.name;
    this.directory = join(options.directory, options.name);
    this.socket = join(this.directory, 'aisexec.sock');
  }

  get #place(): Place | undefined {
    return this.#options.cluster.place?.(this.id);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the daemon and resolves when it reports that it is ready; rejects with its last log lines. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} is running already`);
    await mkdir(this.directory, { recursive: true });
    const file = join(this.directory, 'aisexec.yaml');
    await writeFile(file, stringify(this.#config()));
    this.condition = 'starting';
    this.#tail = [];
    await this.#place?.ready?.();
    const { command = [] } = this.#place ?? {};
    const daemon = this.program ?? this.daemonPath;
    const [program, ...args] = [...command, process.execPath, daemon, '-c', file];
    const child = spawn(program as string, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.once('exit', () => {
      this.condition = 'down';
      this.#child = undefined;
    });
    await this.#ready(child);
  }

  /** Resolves with the next view, from now on, that has this many members. */
  sees(count: number): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (members: number): void => {
        if (members !== count) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  /** kill -9. Works on a paused process, too. */
  kill(): void {
    if (this.#child?.kill('SIGKILL')) this.#place?.signal?.('SIGKILL');
  }

  /** SIGSTOP: the process is alive and silent. */
  pause(): void {
    if (this.condition !== 'up' || this.#child?.kill('SIGSTOP') !== true) return;
    this.condition = 'paused';
    this.#place?.signal?.('SIGSTOP');
  }

  resume(): void {
    if (this.condition !== 'paused' || this.#child?.kill('SIGCONT') !== true) return;
    this.condition = 'up';
    this.#place?.signal?.('SIGCONT');
  }

  /** SIGTERM, and resolves when the process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.resume();
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }

  /** Resolves when the process is gone, e.g. after `kill`. */
  async exited(): Promise<void> {
    if (this.#child !== undefined) await once(this.#child, 'exit');
  }

  /** The built daemon; differs from this file's neighbour only when the sources run directly (tests). */
  private get daemonPath(): string {
    return DAEMON.replace('/src/bin/', '/dist/bin/');
  }

  async #ready(child: ChildProcess): Promise<void> {
    const lines = createInterface({ input: child.stderr! });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        this.#tail.push(line);
        if (this.#tail.length > LOG_TAIL_LINES) this.#tail.shift();
        this.#options.cluster.onLog?.(this, line);
        if (line.includes('"event":"view"')) this.#onView(line);
        if (this.condition === 'starting' && line.includes('"event":"ready"')) {
          this.condition = 'up';
          resolve();
        }
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const why = `${this.name} ended before it was ready (${signal ?? `exit status ${code}`})`;
        reject(new Error([why, ...this.#tail].join('\n  ')));
      });
    });
  }

  #onView(line: string): void {
    const { members } = JSON.parse(line) as { readonly members: readonly number[] };
    for (const watcher of [...this.#watchers]) watcher(members.length);
  }

  #config(): unknown {
    const { cluster, nodelist, id } = this.#options;
    const { config: placed } = this.#place ?? {};
    const totem = typeof cluster.totem === 'function' ? cluster.totem(id) : cluster.totem;
    const ring = {
      totem: { transport: 'udpu', ...totem },
      nodelist,
      quorum:
        typeof cluster.quorum === 'object'
          ? cluster.quorum
          : { provider: cluster.quorum ?? 'votequorum' },
    };
    return {
      cluster: { name: 'local' },
      node: { id, name: this.name },
      ...(placed ?? ring),
      ...(cluster.services === undefined ? {} : { services: cluster.services }),
      ...(cluster.watchdog === undefined ? {} : { watchdog: cluster.watchdog }),
      locks: { fairness: cluster.fairness ?? 'standard' },
      ...(cluster.stateCheckS === undefined ? {} : { state_check: cluster.stateCheckS }),
      ipc: { socket: this.socket, ...cluster.ipc },
      state_dir: join(this.directory, 'state'),
      log: { level: 'info', format: 'json' },
    };
  }
}
