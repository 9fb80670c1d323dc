/**
 * The ring protocol of one node: what comes in (packet, timer or hint) meets the state it is in. The tables
 * are the whole of it; every cell is filled, so every input in every state has an answer.
 */
import { ringIdEquals } from '../contract.ts';
import type {
  RingClient,
  RingConfig,
  RingEffects,
  RingMachine,
  RingState,
  RingTimer,
} from '../ring.ts';
import { RING_TIMERS } from '../ring.ts';
import {
  encodeHoldCancel,
  headerError,
  invariant,
  MCAST_BYTES,
  packetType,
  prepareMcast,
} from '../wire/index.ts';
import { enterCommit, onCommitTokenInCommit } from './commit.ts';
import { createSrp, drop, type Srp, trace } from './context.ts';
import type { DropReason } from './counters.ts';
import { onHoldCancel, onMergeDetect, onMergeTimer, releaseHeldToken } from './foreign.ts';
import {
  enterGather,
  onCommitTokenInGather,
  onConsensusTimer,
  onJoinInCommit,
  onJoinInGather,
  onJoinInOperational,
  onJoinTimer,
  onTokenTimerInGather,
  sendLeave,
} from './gather.ts';
import { MISS_COUNT_MAX, PAYLOAD_BYTES_MAX, WINDOW_SIZE_MAX } from './limits.ts';
import { onMcastInGather, onMcastInOperational } from './messages.ts';
import { enterOperational } from './operational.ts';
import { isJoinDoubtful, noteTime } from './pause.ts';
import { enterRecovery, onCommitTokenInRecovery, onMcastInRecovery } from './recovery.ts';
import { onHintInGather, onHintInRing } from './suspicion.ts';
import { onToken } from './token.ts';
import { onTokenHoldTimer, onTokenRetransmitTimer } from './token-timers.ts';

type OnPacket = (srp: Srp, packet: Uint8Array) => void;
type OnTimer = (srp: Srp) => void;
type OnHint = (srp: Srp, node: number) => void;

const ignore: OnPacket = (srp) => drop(srp, 'wrong-state');
const notStarted: OnPacket = (srp) => drop(srp, 'not-started');
const hasLeft: OnPacket = (srp) => drop(srp, 'left');

/** Columns in the order of the packet types on the wire (PACKET_TYPE). */
const ON_PACKET = {
  //            ORF token, mcast,                merge-detect,  JOIN,                commit token,            hold-cancel
  down: [notStarted, notStarted, notStarted, notStarted, notStarted, notStarted],
  gather: [ignore, onMcastInGather, onMergeDetect, onJoinInGather, onCommitTokenInGather, ignore],
  commit: [ignore, ignore, ignore, onJoinInCommit, onCommitTokenInCommit, ignore],
  recovery: [onToken, onMcastInRecovery, ignore, onJoinInCommit, onCommitTokenInRecovery, ignore],
  operational: [
    onToken,
    onMcastInOperational,
    onMergeDetect,
    onJoinInOperational,
    ignore,
    onHoldCancel,
  ],
  left: [hasLeft, hasLeft, hasLeft, hasLeft, hasLeft, hasLeft],
} as const satisfies Record<RingState, readonly OnPacket[]>;

const never: OnTimer = () => {};

const ON_TIMER = {
  down: {
    token: never,
    tokenRetransmit: never,
    tokenHold: never,
    join: never,
    consensus: never,
    merge: never,
  },
  gather: {
    token: onTokenTimerInGather,
    tokenRetransmit: never,
    tokenHold: never,
    join: onJoinTimer,
    consensus: onConsensusTimer,
    merge: never,
  },
  commit: {
    token: onTokenLoss,
    tokenRetransmit: onTokenRetransmitTimer,
    tokenHold: never,
    join: never,
    consensus: never,
    merge: never,
  },
  recovery: {
    token: onTokenLoss,
    tokenRetransmit: onTokenRetransmitTimer,
    tokenHold: never,
    join: never,
    consensus: never,
    merge: never,
  },
  operational: {
    token: onTokenLoss,
    tokenRetransmit: onTokenRetransmitTimer,
    tokenHold: onTokenHoldTimer,
    join: never,
    consensus: never,
    merge: onMergeTimer,
  },
  left: {
    token: never,
    tokenRetransmit: never,
    tokenHold: never,
    join: never,
    consensus: never,
    merge: never,
  },
} as const satisfies Record<RingState, Record<RingTimer, OnTimer>>;

const ON_HINT = {
  down: never,
  gather: onHintInGather,
  commit: onHintInRing,
  recovery: onHintInRing,
  operational: onHintInRing,
  left: never,
} as const satisfies Record<RingState, OnHint>;

/** One member of a ring, without I/O: see {@link RingMachine} for its inputs, {@link RingEffects} for its outputs. */
export function createRing(
  config: RingConfig,
  effects: RingEffects,
  client: RingClient,
): RingMachine {
  checkConfig(config);
  const srp: Srp = createSrp(config, effects, client, {
    gather: (reason) => enterGather(srp, reason),
    commit: (token) => enterCommit(srp, token),
    recovery: (token) => enterRecovery(srp, token),
    operational: () => enterOperational(srp),
  });
  return {
    nodeId: config.nodeId,
    get state() {
      return srp.state;
    },
    get ringId() {
      return srp.ringId;
    },
    get members() {
      return srp.members;
    },
    start(now) {
      invariant(srp.state === 'down', 'a ring starts once', { state: srp.state });
      srp.now = now;
      srp.enter.gather('start');
    },
    receive(packet, now) {
      noteTime(srp, now);
      const error = headerError(packet);
      if (error !== undefined) drop(srp, error);
      else ON_PACKET[srp.state][packetType(packet)]!(srp, packet);
    },
    timeout(timer, now) {
      noteTime(srp, now);
      ON_TIMER[srp.state][timer](srp);
    },
    suspect(node, now) {
      noteTime(srp, now);
      srp.counters.hints++;
      // After a pause it is as old as any JOIN that waited here (ADR 0014).
      if (!isJoinDoubtful(srp)) ON_HINT[srp.state](srp, node);
    },
    leave(now) {
      if (srp.state === 'left') return;
      srp.now = now;
      if (srp.state !== 'down') sendLeave(srp);
      for (const timer of RING_TIMERS) effects.cancelTimer(timer);
      srp.state = 'left';
      trace(srp, 'leave');
    },
    submit: (payload, guarantee, traffic) => submit(srp, payload, guarantee, traffic),
    room: (traffic) => queueOf(srp, traffic).room,
    withdraw(traffic) {
      const queue = queueOf(srp, traffic);
      for (let packet = queue.shift(); packet !== undefined; packet = queue.shift()) {
        srp.pool.give(packet);
      }
    },
    syncComplete(ringId) {
      if (srp.state !== 'operational' || !ringIdEquals(ringId, srp.ringId)) return;
      srp.syncing = false;
      if (srp.normalQueue.size > 0) cancelHold(srp);
    },
    stats: () => stats(srp),
  };
}

function submit(
  srp: Srp,
  payload: Uint8Array,
  guarantee: 'agreed' | 'safe',
  traffic: 'normal' | 'sync',
): boolean {
  const { payloadBytesMax } = srp.config;
  invariant(payload.length <= payloadBytesMax, 'payload too large', { bytes: payload.length });
  const queue = queueOf(srp, traffic);
  if (queue.room === 0 || srp.state === 'left') return false;
  const packet = srp.pool.take(MCAST_BYTES + payload.length);
  packet.set(payload, MCAST_BYTES);
  prepareMcast(packet, srp.nodeId, guarantee);
  queue.push(packet);
  if (traffic === 'sync' || !srp.syncing) cancelHold(srp);
  return true;
}

/** The token of an idle ring is held: ask for it, once, or let it go when it is held here. */
function cancelHold(srp: Srp): void {
  if (!srp.tokenHeld || srp.state !== 'operational') return;
  srp.counters.holdCancels++;
  srp.effects.multicast(encodeHoldCancel({ nodeId: srp.nodeId, ringId: srp.ringId }));
  releaseHeldToken(srp);
  srp.tokenHeld = false;
}

function queueOf(srp: Srp, traffic: 'normal' | 'sync') {
  return traffic === 'sync' ? srp.syncQueue : srp.normalQueue;
}

function onTokenLoss(srp: Srp): void {
  srp.counters.tokenLosses++;
  trace(srp, 'token-loss', { state: srp.state });
  srp.enter.gather('token-loss');
}

function stats(srp: Srp): Readonly<Record<string, number>> {
  const dropped: Partial<Record<`drop.${DropReason}`, number>> = {};
  for (const [reason, count] of srp.drops) dropped[`drop.${reason}`] = count;
  return {
    ...srp.counters,
    ...dropped,
    members: srp.members.length,
    tokenTimeoutMs: srp.tokenTimeout.ms,
    rotationMeanMs: Math.round(srp.tokenTimeout.meanMs),
    rotationPeakMs: Math.round(srp.tokenTimeout.peakMs),
    packetBuffersMade: srp.pool.made,
    packetBytesFree: srp.pool.bytesFree,
    normalQueued: srp.normalQueue.size,
    syncQueued: srp.syncQueue.size,
  };
}

function checkConfig(config: RingConfig): void {
  const { nodeId, payloadBytesMax, ringSeq, windowSize, maxMessages, missCountConst } = config;
  const { initialSeq, queueSlots, acceleratedWindow } = config;
  const isCount = (value: number, max: number): boolean =>
    Number.isInteger(value) && value > 0 && value <= max;
  invariant(isCount(nodeId, 0xffffffff), 'nodeId is a u32 and not 0', { nodeId });
  const { tokenMs, tokenMaxMs } = config;
  invariant(tokenMs > 0 && tokenMs <= tokenMaxMs, 'tokenMaxMs', { tokenMs, tokenMaxMs });
  invariant(isCount(payloadBytesMax, PAYLOAD_BYTES_MAX), 'payloadBytesMax', { payloadBytesMax });
  invariant(Number.isSafeInteger(ringSeq) && ringSeq >= 0, 'ringSeq', { ringSeq });
  invariant(isCount(windowSize, WINDOW_SIZE_MAX), 'windowSize', { windowSize });
  invariant(isCount(maxMessages, WINDOW_SIZE_MAX), 'maxMessages', { maxMessages });
  invariant(
    acceleratedWindow === 0 || isCount(acceleratedWindow, WINDOW_SIZE_MAX),
    'acceleratedWindow',
    {
      acceleratedWindow,
    },
  );
  invariant(isCount(missCountConst, MISS_COUNT_MAX), 'missCountConst', { missCountConst });
  invariant(isCount(queueSlots, Number.MAX_SAFE_INTEGER), 'queueSlots', { queueSlots });
  invariant(initialSeq >>> 0 === initialSeq, 'initialSeq is a u32', { initialSeq });
}
