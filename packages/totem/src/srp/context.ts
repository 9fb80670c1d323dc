/**
 * The state of one ring member, shared by the files of this folder, one per protocol state. Fields are
 * grouped by who changes them. Transitions go through {@link Transitions}, wired in machine.ts, so that no
 * state's file imports another's.
 */
import { BufferPool } from '../buffer-pool.ts';
import type { RingId } from '../contract.ts';
import type { RingClient, RingConfig, RingEffects, RingState, RingTraceEvent } from '../ring.ts';
import {
  type CommitToken,
  createOrfToken,
  ORF_TOKEN_BYTES,
  ORF_TOKEN_BYTES_MAX,
  type OrfToken,
  RTR_ENTRIES_MAX,
  RTR_ENTRY_BYTES,
} from '../wire/index.ts';
import { type Counters, createCounters, type DropReason } from './counters.ts';
import { PACKET_POOL_BYTES_MAX, SORT_QUEUE_SLOTS } from './limits.ts';
import type { Nodes } from './nodes.ts';
import { SendQueue } from './send-queue.ts';
import { SortQueue } from './sort-queue.ts';
import { TokenTimeout } from './token-timeout.ts';

export interface Transitions {
  gather(reason: GatherReason): void;
  commit(token: CommitToken): void;
  recovery(token: CommitToken): void;
  operational(): void;
}

export type GatherReason =
  | 'start'
  | 'token-loss'
  | 'foreign-message'
  | 'merge-detect'
  | 'join'
  | 'join-in-commit'
  | 'consensus-expired'
  | 'suspicion'
  | 'suspicion-confirmed'
  | 'failed-to-receive';

/** The ring whose messages are still to be delivered while a new one is formed. */
export interface OldRing {
  readonly ringId: RingId;
  readonly members: Nodes;
}

export interface Srp {
  readonly config: RingConfig;
  readonly effects: RingEffects;
  readonly client: RingClient;
  readonly nodeId: number;
  readonly enter: Transitions;
  readonly counters: Counters;
  readonly drops: Map<DropReason, number>;
  readonly pool: BufferPool;

  state: RingState;
  now: number;
  /** When this process was last found to have slept; JOINs are doubtful for a while (pause.ts). */
  wokeAt: number;

  // The ring: adopted on entering commit, installed on entering operational.
  ringId: RingId;
  /** Members of `ringId`, and the one after this node. */
  ringNodes: ReadonlySet<number>;
  successor: number;
  /** Members of the last regular configuration; empty before the first. */
  members: Nodes;
  /** Highest ring sequence seen in a JOIN, or our own (Corosync's token_ring_id_seq). */
  ringSeqHighest: number;

  // Gather
  proc: Nodes;
  failed: Nodes;
  readonly consensus: Set<number>;
  /** This node misses messages for good and forms a ring of its own next. */
  failedToReceive: boolean;
  /** Nodes whose host refused a packet, since when; a JOIN of theirs ends it (suspicion.ts). */
  readonly suspectedSince: Map<number, number>;
  /** When a hint about a member last began a gather. */
  readonly hintedGatherAt: Map<number, number>;

  // Commit and recovery
  newMembers: Nodes;
  old: OldRing | undefined;
  transMembers: Nodes;
  /** Highest message of the old ring that some transitional member has delivered. */
  oldHighDelivered: number;
  commitTokenSeq: number;
  firstTokenSent: boolean;
  /** Old-ring messages still to be copied: those after `copyNext` - 1 up to `copyLast`. */
  copyNext: number;
  copyLast: number;
  /** Old-ring messages of which a copy is on its way, by slot. */
  readonly copied: Uint8Array;
  setRetransFlg: boolean;
  retransFlgClear: number;
  installSeq: number;
  rotationsInstalled: number;
  /** Somebody outside asked to join while this ring was being formed. */
  strangerHeard: boolean;

  // Order
  log: SortQueue;
  oldLog: SortQueue;
  /** Every member is known to have all messages up to here (delivery.ts). */
  stable: number;
  /** aru of the token as it left here last. */
  lastAru: number;
  aruUnchanged: number;

  // Token
  readonly token: OrfToken;
  readonly tokenBuffer: Uint8Array;
  /** Views of tokenBuffer by number of retransmit entries: a token leaves without an allocation. */
  readonly tokenViews: readonly Uint8Array[];
  /** What the token retransmit timer sends. */
  lastTokenPacket: Uint8Array | undefined;
  tokenSeq: number;
  lastSeq: number;
  seqUnchanged: number;
  tokenHeld: boolean;
  mergeTimerRuns: boolean;
  readonly tokenTimeout: TokenTimeout;

  // Sending
  readonly normalQueue: SendQueue;
  readonly syncQueue: SendQueue;
  /** Between a regular configuration and syncComplete: normal messages wait. */
  syncing: boolean;
  /** New messages of this visit that leave after the token. */
  readonly overtaken: Uint8Array[];
  sentLastVisit: number;
  backlogNow: number;
  backlogLast: number;
  senderCount: number;
}

export function createSrp(
  config: RingConfig,
  effects: RingEffects,
  client: RingClient,
  enter: Transitions,
): Srp {
  const pool = new BufferPool(PACKET_POOL_BYTES_MAX);
  const tokenBuffer = new Uint8Array(ORF_TOKEN_BYTES_MAX);
  const { nodeId, initialSeq } = config;
  // +1: a restarted representative can never name a ring that its earlier life has named (totem-wire §3.2).
  const ringSeq = config.ringSeq + 1;
  return {
    config,
    effects,
    client,
    nodeId,
    enter,
    counters: createCounters(),
    drops: new Map(),
    pool,
    state: 'down',
    now: 0,
    wokeAt: Number.NEGATIVE_INFINITY,
    ringId: { rep: nodeId, seq: ringSeq },
    ringNodes: new Set([nodeId]),
    successor: nodeId,
    members: [],
    ringSeqHighest: ringSeq,
    proc: [nodeId],
    failed: [],
    consensus: new Set(),
    failedToReceive: false,
    suspectedSince: new Map(),
    hintedGatherAt: new Map(),
    newMembers: [nodeId],
    old: undefined,
    transMembers: [],
    oldHighDelivered: initialSeq,
    commitTokenSeq: 0,
    firstTokenSent: false,
    copyNext: 0,
    copyLast: 0,
    copied: new Uint8Array(SORT_QUEUE_SLOTS),
    setRetransFlg: false,
    retransFlgClear: 0,
    installSeq: initialSeq,
    rotationsInstalled: 0,
    strangerHeard: false,
    log: new SortQueue(pool, initialSeq),
    oldLog: new SortQueue(pool, initialSeq),
    stable: initialSeq,
    lastAru: initialSeq,
    aruUnchanged: 0,
    token: createOrfToken(),
    tokenBuffer,
    tokenViews: Array.from({ length: RTR_ENTRIES_MAX + 1 }, (_, count) =>
      tokenBuffer.subarray(0, ORF_TOKEN_BYTES + count * RTR_ENTRY_BYTES),
    ),
    lastTokenPacket: undefined,
    tokenSeq: initialSeq,
    lastSeq: initialSeq,
    seqUnchanged: 0,
    tokenHeld: false,
    mergeTimerRuns: false,
    tokenTimeout: new TokenTimeout(config.tokenMs, config.tokenMaxMs),
    normalQueue: new SendQueue(config.queueSlots),
    syncQueue: new SendQueue(config.queueSlots),
    syncing: false,
    overtaken: [],
    sentLastVisit: 0,
    backlogNow: 0,
    backlogLast: 0,
    senderCount: 0,
  };
}

export function trace(
  srp: Srp,
  event: string,
  detail?: NonNullable<RingTraceEvent['detail']>,
): void {
  srp.effects.trace(detail === undefined ? { event } : { event, detail });
}

/** Counts an unwanted packet. Traced at 1, 2, 4, 8, … of a reason: a flood must not become a flood of lines. */
export function drop(srp: Srp, reason: DropReason): void {
  const count = (srp.drops.get(reason) ?? 0) + 1;
  srp.drops.set(reason, count);
  if ((count & (count - 1)) === 0) trace(srp, 'drop-packet', { reason, count });
}

export function isRep(srp: Srp): boolean {
  return srp.ringId.rep === srp.nodeId;
}
