/** Signs of life of another ring: the way partitions find each other again (totem-wire §3.3). */

import { ringIdEquals } from '../contract.ts';
import { decodeHoldCancel, decodeMergeDetect, encodeMergeDetect } from '../wire/index.ts';
import { drop, isRep, type Srp } from './context.ts';
import { learnOf } from './gather.ts';
import { onTokenHoldTimer } from './token-timers.ts';

/**
 * A message of another ring is never delivered; it brings its sender into the next membership. What a member
 * of this ring sent in an *older* ring is only late, and no reason to tear this one down (Corosync does).
 */
export function onForeign(srp: Srp, node: number, ringSeq: number): void {
  if (srp.ringNodes.has(node) && ringSeq < srp.ringId.seq) drop(srp, 'ring-stale');
  else if (srp.state === 'operational') {
    learnOf(srp, node);
    srp.enter.gather('foreign-message');
  } else if (learnOf(srp, node)) srp.enter.gather('foreign-message');
}

export function onMergeDetect(srp: Srp, packet: Uint8Array): void {
  const decoded = decodeMergeDetect(packet);
  if (!decoded.ok) drop(srp, decoded.error);
  else if (!ringIdEquals(decoded.value.ringId, srp.ringId)) {
    onForeign(srp, decoded.value.systemFrom, decoded.value.ringId.seq);
  }
}

/** The representative of an idle ring tells the world that the ring is here. */
export function onMergeTimer(srp: Srp): void {
  srp.mergeTimerRuns = false;
  announceRing(srp);
}

export function announceRing(srp: Srp): void {
  if (!isRep(srp) || srp.state !== 'operational') return;
  srp.effects.multicast(encodeMergeDetect({ systemFrom: srp.nodeId, ringId: srp.ringId }));
}

/** Somebody has something to send: the representative lets the held token go at once. */
export function onHoldCancel(srp: Srp, packet: Uint8Array): void {
  const decoded = decodeHoldCancel(packet);
  if (!decoded.ok) {
    drop(srp, decoded.error);
    return;
  }
  if (!ringIdEquals(decoded.value.ringId, srp.ringId)) {
    drop(srp, 'ring-stale');
    return;
  }
  releaseHeldToken(srp);
}

export function releaseHeldToken(srp: Srp): void {
  srp.seqUnchanged = 0;
  if (!isRep(srp) || !srp.tokenHeld) return;
  srp.effects.cancelTimer('tokenHold');
  onTokenHoldTimer(srp);
}
