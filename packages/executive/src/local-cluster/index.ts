/**
 * A cluster of real `aisexec` processes on this machine's loopback, for trying things out and for tests:
 * start, kill -9, pause, revive, stop. Each node has its own run directory, socket and stable store below
 * one temporary directory, which `stop` removes.
 *
 * @packageDocumentation
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeUdpPorts } from './free-ports.ts';
import { LocalNode } from './local-node.ts';
import type { LocalClusterOptions } from './options.ts';

export { LocalNode, type NodeCondition } from './local-node.ts';
export type { LocalClusterOptions, Place } from './options.ts';

const NODES_MAX = 16;

/** @example
 * ```js
 * const cluster = await LocalCluster.start({ nodes: 3 });
 * const locks = await LockService.connect({ socket: cluster.nodes[0].socket });
 * cluster.nodes[2].kill();
 * await cluster.stop();
 * ```
 */
export class LocalCluster {
  readonly nodes: readonly LocalNode[];
  readonly directory: string;

  private constructor(directory: string, nodes: readonly LocalNode[]) {
    this.directory = directory;
    this.nodes = nodes;
  }

  /** Starts all nodes and resolves when they are in one view. */
  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const cluster = await LocalCluster.prepare(options);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Chooses directory and ports and starts nothing yet: for who must be able to stop half-way. */
  static async prepare(options: LocalClusterOptions): Promise<LocalCluster> {
    if (!Number.isInteger(options.nodes) || options.nodes < 1 || options.nodes > NODES_MAX) {
      throw new RangeError(`LocalCluster: nodes must be 1 to ${NODES_MAX}, not ${options.nodes}`);
    }
    const directory = await mkdtemp(join(tmpdir(), 'aisexec-'));
    const ports = await freeUdpPorts(options.nodes);
    const nodelist = ports.map((port, index) => ({
      id: index + 1,
      name: `node-${index + 1}`,
      address: '127.0.0.1',
      port,
    }));
    const nodes = nodelist.map(
      ({ id, name }) => new LocalNode({ id, name, directory, nodelist, cluster: options }),
    );
    return new LocalCluster(directory, nodes);
  }

  /** Resolves when all nodes are in one view; rejects with the last log lines of one that did not start. */
  async startAll(): Promise<void> {
    const together = this.nodes.map((node) => node.sees(this.nodes.length));
    await Promise.all(this.nodes.map((node) => node.start()));
    await Promise.all(together);
  }

  /** Stops every node in good order (paused ones are resumed first) and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await rm(this.directory, { recursive: true, force: true });
  }

  /** For `process.on('exit')`: leaves no process behind, whatever happened. Synchronous. */
  killAll(): void {
    for (const node of this.nodes) node.kill();
  }
}
