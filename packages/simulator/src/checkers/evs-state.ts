/**
 * What the checkers of extended virtual synchrony remember of a run: every process, ring and message, from
 * the omniscient point of view. One bit per node in 32-bit words (hence the limit on nodes).
 */
import type { RingId } from '@aisexec/totem';
import type { ViolationLog } from './violation.ts';

export interface MessageState {
  readonly id: number;
  readonly source: number;
  readonly hash: number;
  readonly safe: boolean;
  /** Time of submission. */
  readonly time: number;
  /** Where it was ordered; undefined until it got a sequence number or was first delivered. */
  ring: RingState | undefined;
  /** Sequence number in that ring; 0 when unknown. */
  seq: number;
  /** Bit per node: handed over by the network, delivered. */
  received: number;
  delivered: number;
  /** The sender's place when it sent: it had delivered `dependsOn` messages of ring `dependsRing` (E7). */
  readonly dependsRing: RingState | undefined;
  readonly dependsOn: number;
}

/** How one group of processes left a ring for one next ring. */
export interface Transition {
  readonly to: RingState;
  /** The first process that completed it sets the standard for the others. */
  readonly first: number;
  readonly members: readonly number[];
  readonly delivered: readonly number[];
  readonly completed: number[];
}

export interface RingState {
  readonly id: RingId;
  /** Set by the first process that installs it. */
  members: readonly number[] | undefined;
  /** Node that set {@link members}. */
  installedFirstBy: number;
  /** Incarnation of each node that installed it. */
  readonly installedBy: Map<number, number>;
  /** Message ids in the order in which they are delivered in the regular configuration. */
  readonly order: number[];
  /** Message id (0: recovery copy) by sequence number. */
  readonly bySeq: Map<number, number>;
  /** Safe messages that somebody delivered in the regular configuration. */
  readonly safeDelivered: number[];
  /** Ways out of this ring, by the key of the next one. */
  readonly transitions: Map<number, Transition>;
  /** Ways into this ring. */
  readonly arrivals: Transition[];
}

export interface ProcessState {
  readonly node: number;
  readonly bit: number;
  incarnation: number;
  up: boolean;
  /** `fresh`: nothing installed since the start. */
  phase: 'fresh' | 'regular' | 'transitional';
  /** The last regular configuration. */
  ring: RingState | undefined;
  /** Members of the transitional configuration while in it. */
  transitional: readonly number[];
  /** Highest ring sequence ever installed, over restarts; -1 for none. */
  ringSeqMax: number;
  /** Messages delivered in `ring` and its transitional configuration, in order. */
  delivered: number[];
  /** How many entries of `ring.order` were delivered without a gap. */
  prefix: number;
  /** Highest sequence number delivered in `ring`. */
  lastSeq: number;
  /** Accepted from the client and not yet delivered here. */
  readonly undelivered: Set<number>;
  /** Every fail record so far. */
  fails: number;
}

export interface EvsState {
  readonly log: ViolationLog;
  readonly processes: ReadonlyMap<number, ProcessState>;
  readonly messages: Map<number, MessageState>;
  process(node: number): ProcessState;
  ring(id: RingId): RingState;
  /** Rings seen so far. */
  readonly rings: ReadonlyMap<number, RingState>;
}

const REP_SPAN = 0x1_0000;
/** One number per ring id: for map keys. Representatives are small numbers in the simulator. */
export const ringKey = (id: RingId): number => id.seq * REP_SPAN + id.rep;

export function createEvsState(log: ViolationLog): EvsState {
  const processes = new Map<number, ProcessState>();
  const rings = new Map<number, RingState>();
  return {
    log,
    processes,
    rings,
    messages: new Map(),
    process(node) {
      let state = processes.get(node);
      if (state === undefined) {
        state = freshProcess(node, 1 << processes.size);
        processes.set(node, state);
      }
      return state;
    },
    ring(id) {
      const key = ringKey(id);
      let state = rings.get(key);
      if (state === undefined) {
        state = freshRing(id);
        rings.set(key, state);
      }
      return state;
    },
  };
}

function freshProcess(node: number, bit: number): ProcessState {
  return {
    node,
    bit,
    incarnation: 0,
    up: false,
    phase: 'fresh',
    ring: undefined,
    transitional: [],
    ringSeqMax: -1,
    delivered: [],
    prefix: 0,
    lastSeq: 0,
    undelivered: new Set(),
    fails: 0,
  };
}

function freshRing(id: RingId): RingState {
  return {
    id: { rep: id.rep, seq: id.seq },
    members: undefined,
    installedFirstBy: 0,
    installedBy: new Map(),
    order: [],
    bySeq: new Map(),
    safeDelivered: [],
    transitions: new Map(),
    arrivals: [],
  };
}

export const sameList = (x: readonly number[], y: readonly number[]): boolean =>
  x.length === y.length && x.every((entry, index) => entry === y[index]);
