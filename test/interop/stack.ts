/**
 * Executives on top of Corosync, for the tests: a laboratory of real corosync daemons over knet, encrypted
 * and signed, and with each of them an executive with the engine `corosync` in the same namespace.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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
  /** Other socket paths than the namespace's own, by nodeid. */
  readonly directoryOf?: (id: number) => string;
}

export class StackNode extends AisexecNode {
  readonly corosync: CorosyncNode;
  readonly #file: string;

  constructor(corosync: CorosyncNode, options: StackOptions) {
    const { id, namespace, address, directory } = corosync;
    super(id, namespace, address, options.directoryOf?.(id) ?? directory);
    this.corosync = corosync;
    this.#file = join(directory, 'aisexec.yaml');
    const config = {
      engine: 'corosync',
      corosync: options.corosync ?? {},
      node: { id, name: `node-${id}` },
      quorum: { provider: options.provider ?? 'corosync' },
      ipc: { socket: this.socket },
      state_dir: join(directory, 'state'),
      log: { level: 'debug', format: 'json' },
    };
    // JSON is YAML.
    writeFileSync(this.#file, JSON.stringify(config));
  }

  protected override get command(): readonly string[] {
    return [process.execPath, DAEMON, '-c', this.#file];
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
    await Promise.all(this.nodes.map((node) => node.destroy()));
    await this.lab.close();
  }
}
