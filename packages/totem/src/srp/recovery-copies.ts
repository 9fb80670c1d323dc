/**
 * Which messages of the old ring this node still has to copy into the new one. Corosync lets every member
 * copy everything; here a message is skipped when another member's copy of it has already been received,
 * as in the paper (Totem §4.3). The copies look the same on the wire.
 */
import type { Srp } from './context.ts';
import { SORT_QUEUE_SLOTS } from './limits.ts';
import { seqAfter, seqDistance } from './seqno.ts';

/** Everything after `low`, up to the highest this node has. */
export function planCopies(srp: Srp, low: number): void {
  srp.copied.fill(0);
  srp.copyNext = seqAfter(low);
  srp.copyLast = srp.oldLog.high;
}

export function planNoCopies(srp: Srp): void {
  srp.copied.fill(0);
  srp.copyNext = seqAfter(srp.oldLog.high);
  srp.copyLast = srp.oldLog.high;
}

/** Another member's copy has come. */
export function noteCopied(srp: Srp, seq: number): void {
  srp.copied[seq & (SORT_QUEUE_SLOTS - 1)] = 1;
}

/** An upper bound of the copies still to be sent; 0 exactly when there is none. */
export function recoveryBacklog(srp: Srp): number {
  skipNeedless(srp);
  return seqDistance(srp.copyNext, srp.copyLast) + 1;
}

/** The next old message to copy, or undefined. */
export function takeCopy(srp: Srp): Uint8Array | undefined {
  if (recoveryBacklog(srp) === 0) return undefined;
  const packet = srp.oldLog.get(srp.copyNext);
  srp.copyNext = seqAfter(srp.copyNext);
  return packet;
}

function skipNeedless(srp: Srp): void {
  while (seqDistance(srp.copyNext, srp.copyLast) >= 0) {
    const isCopied = srp.copied[srp.copyNext & (SORT_QUEUE_SLOTS - 1)] === 1;
    if (!isCopied && srp.oldLog.get(srp.copyNext) !== undefined) return;
    srp.copyNext = seqAfter(srp.copyNext);
  }
}
