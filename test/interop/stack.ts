/**
 * Executives on top of Corosync, for the tests: a laboratory of real corosync daemons over knet, encrypted
 * and signed, and with each of them an executive with the engine `corosync` in the same namespace.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AisexecNode, type CorosyncNode, Lab, missing, until } from './netns.ts';

const DAEMON = fileURLToPath(
  new URL('../../packages/executive/dist/bin/aisexec.js', import.meta.url),
);

/** Why there can be no such stack here; undefined: there can. */
export function stackMissing(): string | undefined {
  if (missing !== undefined) return missing;
  const probe = "require('koffi').load('libvotequorum.so.8')";
  const found = spawnSync(process.execPath, ['-e', probe]).status === 0;
  return found ? undefined : 'koffi or libcpg4, libquorum5, libvotequorum8, libcmap4 are missing';
}

/** Keys of the executive's configuration, besides those of the stack. */
export interface StackOptions {
  readonly nodes: readonly number[];
  readonly totem?: Readonly<Record<string, string | number>>;
  readonly quorum?: Readonly<Record<string, string | number>>;
  readonly provider?: 'corosync' | 'none';
  readonly corosync?: Readonly<Record<string, unknown>>;
}

/** What another executive on a node has of its own. */
export interface NodeOptions {
  readonly provider?: 'corosync' | 'none';
  readonly corosync?: Readonly<Record<string, unknown>>;
  /** Names its files. */
  readonly state?: string;
  /** Says another nodeid than its Corosync. */
  readonly nodeId?: number;
  /** Runs as this user. */
  readonly uid?: number;
}

export class StackNode extends AisexecNode {
  readonly corosync: CorosyncNode;
  readonly #file: string;

  readonly #uid: number | undefined;

  constructor(corosync: CorosyncNode, options: NodeOptions) {
    const { namespace, address, directory } = corosync;
    const id = options.nodeId ?? corosync.id;
    super(id, namespace, address, directory, options.state ?? 'aisexec');
    this.corosync = corosync;
    this.#uid = options.uid;
    this.#file = join(directory, `${this.name}.yaml`);
    const config = {
      engine: 'corosync',
      corosync: options.corosync ?? {},
      node: { id, name: `node-${id}` },
      quorum: { provider: options.provider ?? 'corosync' },
      ipc: { socket: this.socket },
      state_dir: join(directory, `${this.name}-state`),
      log: { level: 'debug', format: 'json' },
    };
    // JSON is YAML.
    writeFileSync(this.#file, JSON.stringify(config));
    if (options.uid === undefined) return;
    chmodSync(join(directory, '..'), 0o755);
    chownSync(directory, options.uid, options.uid);
  }

  protected override get command(): readonly string[] {
    const daemon = [process.execPath, DAEMON, '-c', this.#file];
    if (this.#uid === undefined) return daemon;
    return ['setpriv', `--reuid=${this.#uid}`, `--regid=${this.#uid}`, '--clear-groups', ...daemon];
  }

  /** Resolves when this is in the log: the last lines may come after the end of the process. */
  async says(text: string): Promise<void> {
    await until(
      () => (this.logged(text).length > 0 ? undefined : text),
      () => this.tail(),
    );
  }

  /** Resolves with how the process ended. */
  async end(): Promise<string> {
    await until(
      () => (this.running ? 'running' : undefined),
      () => this.tail(),
    );
    return this.exit!;
  }

  /** A view of exactly these members, as this node sees it. */
  async view() {
    const status = this.running ? await this.status() : undefined;
    return status?.view === null || status === undefined ? undefined : { ...status.view, status };
  }
}

export class Stack {
  readonly lab: Lab;
  readonly nodes: readonly StackNode[];
  readonly #extras: StackNode[] = [];

  constructor(options: StackOptions) {
    const { totem = {}, quorum = {} } = options;
    const kinds = Object.fromEntries(options.nodes.map((id) => [id, 'corosync' as const]));
    this.lab = new Lab({ nodes: kinds, transport: 'knet', totem, quorum });
    this.nodes = options.nodes.map((id) => new StackNode(this.lab.corosync(id), options));
  }

  /** Starts all and resolves when all are in one view. */
  static async start(options: StackOptions): Promise<Stack> {
    const stack = new Stack(options);
    try {
      stack.lab.start();
      await stack.lab.ring(options.nodes);
      for (const node of stack.nodes) node.start();
      await stack.view(options.nodes);
      return stack;
    } catch (error) {
      await stack.close();
      throw error;
    }
  }

  /** Starts one more executive on a node. */
  extra(id: number, options: NodeOptions): StackNode {
    const node = new StackNode(this.lab.corosync(id), options);
    this.#extras.push(node);
    node.start();
    return node;
  }

  node(id: number): StackNode {
    return this.nodes.find((node) => node.id === id)!;
  }

  /** Resolves when each of these executives shows exactly these members in one view. */
  async view(ids: readonly number[], quorate?: boolean): Promise<void> {
    await until(
      async () => {
        const views = await Promise.all(ids.map((id) => this.node(id).view()));
        const shown = views.map(
          (view) => `${view?.ring} ${view?.members.map(({ id }) => id).join()} ${view?.quorate}`,
        );
        const members = views[0]?.members.map(({ id }) => id).join();
        const same = members === ids.join() && new Set(shown).size === 1;
        const fits = quorate === undefined || views[0]?.quorate === quorate;
        return same && fits ? undefined : shown.join('; ');
      },
      () => this.tail(),
    );
  }

  tail(): string {
    return [...this.nodes, ...this.lab.nodes].map((node) => node.tail()).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes, ...this.#extras].map((node) => node.destroy()));
    await this.lab.close();
  }
}
