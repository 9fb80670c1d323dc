/**
 * The world: virtual time, a network, and nodes, all from one seed. It knows no protocol; what runs on a
 * node comes from the {@link ProcessFactory}.
 */
import { SIM_NODES_MAX } from '../limits.ts';
import type { Random } from '../random.ts';
import type { TraceDetail } from '../trace/record.ts';
import type { Trace } from '../trace/trace.ts';
import { createNetwork, type Network, type NetworkConditions } from './network.ts';
import { createNode, type SimNode } from './node.ts';
import type { ProcessFactory } from './process.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';

export interface World {
  readonly scheduler: Scheduler;
  /** The first of {@link networks}. */
  readonly network: Network;
  /** One per link between two nodes, each with troubles of its own. */
  readonly networks: readonly Network[];
  /** Ascending by id. */
  readonly nodes: readonly SimNode[];
  readonly now: number;
  readonly trace: Trace;
  /** Call back after `delayMs` of virtual time. */
  after(delayMs: number, run: () => void): void;
  /** One line of the nemesis or the world itself in the trace. */
  fault(event: string, detail?: TraceDetail): void;
  /** Exceptions thrown by processes: each is a bug. */
  readonly exceptions: readonly {
    readonly time: number;
    readonly node: number;
    readonly text: string;
  }[];
}

export interface WorldOptions {
  readonly random: Random;
  /** nodeids, ascending. */
  readonly nodes: readonly number[];
  /** Of the one network, or of each of several. */
  readonly conditions: NetworkConditions | readonly NetworkConditions[];
  readonly factory: ProcessFactory;
  readonly trace: Trace;
  /** Clocks of nodes run at 1 ± this. */
  readonly clockDrift?: number;
  /** The host of a node that is down answers packets: port unreachable. */
  readonly refusals?: boolean;
  /** As in the network's options: indexes, not nodeids. */
  readonly filter?: (from: number, to: number, packet: Uint8Array) => boolean;
}

export function createWorld(options: WorldOptions): World {
  const { random, trace } = options;
  const count = options.nodes.length;
  if (count < 1 || count > SIM_NODES_MAX) {
    throw new RangeError(`a world has 1 to ${SIM_NODES_MAX} nodes, not ${count}`);
  }
  const scheduler = createScheduler();
  const exceptions: { time: number; node: number; text: string }[] = [];
  const networks = [options.conditions].flat().map((conditions, link) =>
    createNetwork({
      nodes: count,
      scheduler,
      random: random.fork(link === 0 ? 'network' : `network ${link}`),
      conditions,
      ...(options.filter === undefined ? {} : { filter: options.filter }),
      arrive: (to, packet, from) => arrive(to, packet, from, link),
    }),
  );
  /** Runs alongside the packets and draws nothing, so that a run without deaths is the same with it. */
  function arrive(to: number, packet: Uint8Array, from: number, link: number): void {
    const target = nodes[to]!;
    if (target.up || options.refusals !== true) {
      target.arrive(packet, options.nodes[from]!, link);
      return;
    }
    const network = networks[link]!;
    scheduler.at(scheduler.now + network.conditions.delayMinMs, {
      fire: () => {
        if (!network.isBlocked(to, from)) nodes[from]!.refused(target.id, link);
      },
    });
  }
  const clocks = random.fork('clocks');
  const drift = options.clockDrift ?? 0;
  const nodes: SimNode[] = options.nodes.map((id, index) =>
    createNode({
      id,
      index,
      nodes: options.nodes,
      scheduler,
      networks,
      random: random.fork(`node ${id}`),
      factory: options.factory,
      trace: trace.emit,
      clockRate: 1 + clocks.between(-drift, drift),
      clockOffsetMs: clocks.below(1_000_000),
      onException: (node, error) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        exceptions.push({ time: scheduler.now, node, text });
      },
    }),
  );
  return {
    scheduler,
    network: networks[0]!,
    networks,
    nodes,
    trace,
    exceptions,
    get now() {
      return scheduler.now;
    },
    after(delayMs, run) {
      scheduler.at(scheduler.now + delayMs, { fire: run });
    },
    fault(event, detail) {
      const head = { kind: 'fault', time: scheduler.now, node: 0, incarnation: 0, event } as const;
      trace.emit(detail === undefined ? head : { ...head, detail });
    },
  };
}
