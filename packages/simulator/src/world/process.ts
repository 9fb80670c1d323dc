/**
 * What lives on a node of the world: the bare ring with a client, the full executive's pure half, or a
 * test's own protocol. All calls are synchronous; a process that is paused or down gets none.
 */

import type { Random } from '../random.ts';
import type { TraceRecord } from '../trace/record.ts';

export interface SimProcess {
  /** Once per incarnation; `now` is the node's own clock. */
  start(now: number): void;
  /** One datagram of node `source` on network `link`; the bytes belong to the process from here on. */
  receive(packet: Uint8Array, now: number, source: number, link: number): void;
  timeout(timer: string, now: number): void;
  /** The host of this node refused a packet on network `link`, or so it seems. */
  suspect(node: number, now: number, link: number): void;
  /** Leave in good order; the world ends the incarnation afterwards. */
  leave(now: number): void;
  /** The world is healing: stop (false) or resume sending load. */
  load(on: boolean): void;
  /** Submits messages now, where the process has a client that can. */
  send?(count: number, safe: boolean): void;
  /** For the printer and for convergence: e.g. `operational`. */
  readonly state: string;
  readonly ring: { readonly rep: number; readonly seq: number };
  /** The run is over and the cluster quiet: last records, e.g. state hashes. */
  conclude(): void;
  /** Replicated state, in brief: at rest equal on all nodes. */
  digest(): string;
  /** Whether the process has nothing of its own under way. */
  readonly idle: boolean;
  stats(): Readonly<Record<string, number>>;
}

/** What survives a crash. */
export interface StableStore {
  /** Highest ring sequence made durable; 0 on the very first start. */
  readonly ringSeq: number;
  /** The quorum filter's record, if there is one. */
  readonly quorum?: Uint8Array | undefined;
}

/** What a process may ask of its node. Calls of an incarnation that has ended are ignored. */
export interface ProcessEnvironment {
  readonly node: number;
  readonly incarnation: number;
  readonly nodes: readonly number[];
  /** As it was when this incarnation started. */
  readonly store: StableStore;
  /** Seeded, a stream of its own per node and incarnation. */
  readonly random: Random;
  /** On network `link`, 0 when absent. */
  unicast(target: number, packet: Uint8Array, link?: number): void;
  /** To all other nodes, or those of `targets`. */
  multicast(packet: Uint8Array, link?: number, targets?: readonly number[]): void;
  /** (Re)start a named one-shot timer, on the node's own clock. */
  setTimer(name: string, delayMs: number): void;
  cancelTimer(name: string): void;
  storeRingSeq(seq: number): void;
  /** Makes the quorum filter's record durable. */
  storeQuorum?(bytes: Uint8Array): void;
  /** Records of this node; head fields come from {@link head}. */
  trace(record: TraceRecord): void;
  /** time, node and incarnation of a record made now. */
  readonly time: number;
}

export type ProcessFactory = (environment: ProcessEnvironment) => SimProcess;
