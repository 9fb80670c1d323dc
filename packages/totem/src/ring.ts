/**
 * The seams of the ring protocol (totemsrp): what a driver gives it and what it asks a driver to do
 * ({@link RingEffects}), and what the layer above (process groups) sees of it ({@link Ring},
 * {@link RingClient}). Inputs and effects are plain synchronous calls: the protocol reads no clock,
 * starts no timer, opens no socket and returns no promise.
 */
import type { Configuration, Guarantee, RingId } from './contract.ts';

/** Every timer of the protocol, one instance each. A comment at each `setTimer` says who cancels it. */
export const RING_TIMERS = [
  'token', // token loss (totem-wire §3.1 `token`)
  'tokenRetransmit', // resend the last token unchanged
  'tokenHold', // the representative re-sends the held token
  'join', // resend JOIN in gather and commit
  'consensus', // give up on silent nodes
  'merge', // the representative announces the ring to foreign rings
] as const;
export type RingTimer = (typeof RING_TIMERS)[number];

/**
 * What the ring asks of its driver, in the order in which it must happen. No method may call back into
 * the ring before it returns: a driver that loops packets back to this node queues them.
 */
export interface RingEffects {
  /** Send to one member; `target` may be this node. The bytes are the ring's and are reused after the call. */
  unicast(target: number, packet: Uint8Array): void;
  /**
   * Send to every *other* node that is configured, alive or not. The ring keeps its own copy of what it
   * multicasts, so a driver must not loop it back. The bytes are the ring's and are reused after the call.
   */
  multicast(packet: Uint8Array): void;
  /**
   * What was multicast so far should leave now: after a token that went ahead of its messages
   * ({@link RingConfig.acceleratedWindow}). A driver that keeps nothing back needs none.
   */
  flush?(): void;
  /** (Re)start a timer; it fires once, `ring.timeout(name, now)`, unless cancelled or restarted. */
  setTimer(name: RingTimer, delayMs: number): void;
  cancelTimer(name: RingTimer): void;
  /**
   * Make the ring sequence durable. Must not return before it is: the commit token that follows rests on
   * it (Totem §4.2). A driver that cannot store throws and the node stops.
   */
  storeRingId(ringId: RingId): void;
  /** Something worth a line in the trace: state changes, drops with their reason, faults of peers. */
  trace(event: RingTraceEvent): void;
}

export interface RingTraceEvent {
  /** Stable kebab-case name, e.g. `enter-gather`, `drop-packet`, `token-loss`. */
  readonly event: string;
  readonly detail?: Readonly<Record<string, number | string | readonly number[]>>;
}

/** The layer above the ring. Called synchronously in the total order; must not throw. */
export interface RingClient {
  /** One ordered packet. `payload` is valid during the call only. */
  deliver(source: number, payload: Uint8Array, ringId: RingId, guarantee: Guarantee): void;
  configuration(configuration: Configuration): void;
  /**
   * The token is here and new messages are about to be sent: the moment to flush what was packed so far
   * (totempg's token callback).
   */
  tokenArrived(): void;
  /** Packets, about, that wait above the ring's normal queue for room in it; absent: none. */
  packetsWaiting?(): number;
}

/** The ring, as the layer above uses it. */
export interface Ring {
  readonly nodeId: number;
  /**
   * Queue one packet of at most {@link RingConfig.payloadBytesMax} bytes; copied. While synchronisation
   * runs `sync` packets leave and `normal` ones wait.
   * @returns false when that queue is full.
   */
  submit(payload: Uint8Array, guarantee: Guarantee, traffic: 'normal' | 'sync'): boolean;
  /** Free slots of a queue. */
  room(traffic: 'normal' | 'sync'): number;
  /** Forget what waits in a queue. What left it already stays in the order. */
  withdraw(traffic: 'normal' | 'sync'): void;
  /** Sync is over for this ring id: `normal` packets leave again. Stale ids are ignored. */
  syncComplete(ringId: RingId): void;
  stats(): Readonly<Record<string, number>>;
}

/** The ring, as its driver uses it. Times are milliseconds of one monotonic clock. */
export interface RingMachine extends Ring {
  /** Join the network: the first gather. Once. */
  start(now: number): void;
  /**
   * One datagram. The bytes are the driver's again when this returns: the ring copies what it keeps into
   * buffers of its own pool (ADR 0138). Rubbish is counted and dropped, never thrown at.
   */
  receive(packet: Uint8Array, now: number): void;
  timeout(timer: RingTimer, now: number): void;
  /**
   * A hint that `node` may be dead: its host answered that nobody listens there. It may be false or late and
   * proves nothing; it makes the ring ask at once instead of waiting for a time-out (ADR 0110).
   */
  suspect(node: number, now: number): void;
  /** Leave in good order: multicasts LEAVE. Afterwards every input is ignored (totem-wire §3.3). */
  leave(now: number): void;
  readonly state: RingState;
  readonly ringId: RingId;
  /** Members of the current regular configuration, ascending. */
  readonly members: readonly number[];
}

export type RingState = 'down' | 'gather' | 'commit' | 'recovery' | 'operational' | 'left';

/** Totem parameters; names, units and defaults are Corosync's (totem-wire §3.1). */
export interface RingConfig {
  readonly nodeId: number;
  /** Ring sequence from the stable store; the ring starts at this + 1. 0 on the very first start. */
  readonly ringSeq: number;
  /** Largest payload of one multicast in bytes. 1382 keeps recovery copies unfragmented (totem-wire §1.9). */
  readonly payloadBytesMax: number;
  readonly tokenMs: number;
  /**
   * Upper bound of the token time-out, which is derived from the rotations this node sees; `tokenMs` is the lower
   * one. Equal to it: nothing is derived. Members may differ in both (ADR 0179).
   */
  readonly tokenMaxMs: number;
  readonly tokenRetransmitMs: number;
  readonly holdMs: number;
  readonly joinMs: number;
  /** At a token time-out of `tokenMs`; a derived one lengthens it in proportion. */
  readonly consensusMs: number;
  readonly mergeMs: number;
  /** Upper bound of a random delay before a JOIN; 0 sends at once. */
  readonly sendJoinMs: number;
  readonly failRecvConst: number;
  readonly seqnoUnchangedConst: number;
  readonly missCountConst: number;
  /** Messages per token rotation, all nodes together. */
  readonly windowSize: number;
  /** Messages per token visit, one node. */
  readonly maxMessages: number;
  /**
   * How many of the new messages of one token visit, the last ones, leave after the token instead of before it, so
   * that the next member starts earlier (Accelerated Ring, totem-wire §7). 0: none. Only while operational, and
   * never with a `missCountConst` of 1: receivers must not ask for what the token overtook.
   */
  readonly acceleratedWindow: number;
  /** Slots of the normal queue; the sync queue has the same. */
  readonly queueSlots: number;
  /** Initial sequence number of every ring: 0, or near 2^32 in tests of the wrap-around. */
  readonly initialSeq: number;
  /** Uniform in [0, 1), seeded: the only randomness of the protocol. */
  readonly random: () => number;
}
