/**
 * Quorum: a filter on configurations, pluggable (DESIGN: votequorum, ykd, none, or one of your own).
 *
 * A filter decides from what all members of a configuration have told in its synchronisation, and from nothing
 * else: no clock, no randomness, nothing that only one node knows. So all members decide the same (ADR 0160).
 * `checkQuorumFilter` of `@aisexec/service/testing` tries a filter of one's own.
 */
import type { RingId } from '@aisexec/totem';

/** One node's part in a verdict, for people and tools. */
export interface QuorumNode {
  readonly nodeId: number;
  readonly votes: number;
  /** Votes that the node expected when it told. */
  readonly expected: number;
  /** What it told of itself: `quorate`, `waiting-for-all`, `first`, `leaving`. */
  readonly flags: readonly string[];
}

export interface QuorumState {
  readonly quorate: boolean;
  /** Votes present and votes needed; both 0 for a filter that does not count. */
  readonly votes: number;
  readonly needed: number;
  /** Votes of the whole cluster; 0 or absent for a filter that does not count. */
  readonly expected?: number;
  /** What is switched on, and what is the case: `wait-for-all`, `waiting-for-all`, `two-node`, … */
  readonly flags?: readonly string[];
  /** The members, ascending by nodeid. */
  readonly nodes?: readonly QuorumNode[];
}

export interface QuorumMember {
  readonly nodeId: number;
  /** What that node's filter told; undefined: nothing that could be read. It comes from another machine: check it. */
  readonly said?: unknown;
}

/** A configuration that is being, or has been, synchronised. The same on all members. */
export interface QuorumConfiguration {
  readonly ringId: RingId;
  /** Executives, ascending by nodeid; this node is one of them. */
  readonly members: readonly QuorumMember[];
  /** Wall clock of the lowest member in ns, where there is one: what `deadline` counts from. */
  readonly time?: bigint;
}

export interface QuorumFilter {
  readonly name: string;
  /** What `update` said last, and what the ordered events since have made of it. */
  readonly state: QuorumState;
  /** What the others must know of this node: plain data for msgpack, at most `QUORUM_SAID_BYTES_MAX` packed. */
  tell?(): unknown;
  /**
   * All members have told. This node's part of the synchronisation ends after this call, so what must be on disk
   * before anybody may decide is stored here. The configuration may still fail to come about.
   */
  propose?(configuration: QuorumConfiguration): void;
  /** The synchronisation is over on this node, at one place of the total order. */
  update(configuration: QuorumConfiguration): QuorumState;
  /** Wall-clock time in ns at which `expire` has something to do; null or absent: never. */
  deadline?(): bigint | null;
  /** Ordered: the cluster's time has passed the deadline. May change `state`. */
  expire?(time: bigint): void;
  /** Ordered: an operator set the expected votes. May change `state`. */
  setExpected?(expected: number): void;
  /** @returns why `expected` cannot be set; undefined: it can. Changes nothing. */
  refusesExpected?(expected: number): string | undefined;
  /** Ordered: a member leaves in good order. May change `state`. */
  leaving?(nodeId: number): void;
  /**
   * Sends such a change in a message of the filter's own instead of the host's. @returns false: not now.
   */
  submit?(what: 'expected' | 'leaving', value: number): boolean;
  /** For a filter whose `state` also changes by ordered messages of its own: whom to tell. */
  onChange?(listener: () => void): void;
}

/** Where a filter keeps what must survive a crash: one small record. */
export interface QuorumStore {
  /** What was saved last; undefined on the very first start. */
  readonly saved: Uint8Array | undefined;
  /** Durable when it returns. Throws when it cannot be: the node must stop. */
  save(bytes: Uint8Array): void;
}

/** Raised when the contract above changes so that a filter of one's own must. */
export const QUORUM_API_VERSION = 1;

/** What a filter of one's own is made of. */
export interface QuorumPluginOptions {
  readonly nodeId: number;
  /** nodeids of the nodelist, ascending. */
  readonly nodes: readonly number[];
  /** The key `quorum.config` of the configuration, unchecked. */
  readonly config: unknown;
}

/** What the module that `quorum.module` names exports as `quorum`. */
export interface QuorumPlugin {
  readonly api: number;
  create(options: QuorumPluginOptions, store: QuorumStore): QuorumFilter;
}

/** Declares a filter of one's own, for this version of the contract. */
export function defineQuorum(plugin: Pick<QuorumPlugin, 'create'>): QuorumPlugin {
  return { api: QUORUM_API_VERSION, ...plugin };
}
