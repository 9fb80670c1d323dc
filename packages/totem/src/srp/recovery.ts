/**
 * Recovery: the new ring runs, but only to carry copies of the old ring's messages, until every member that
 * comes from the same old ring has all that any of them has (Totem §4.3, totem-wire §3.3).
 *
 * A copy goes into the old ring's log as soon as it comes, so a recovery that fails loses nothing and has
 * nothing to restore: the next commit entry simply says what the log holds by then.
 */
import { ringIdEquals } from '../contract.ts';
import {
  type CommitToken,
  decapsulate,
  decodeCommitToken,
  encodeCommitToken,
  mcastError,
  mcastIsEncapsulated,
  mcastRingRep,
  mcastRingSeq,
  mcastSeq,
  mcastSource,
  type OrfToken,
} from '../wire/index.ts';
import { drop, isRep, type Srp, trace } from './context.ts';
import { isOfRing, store } from './messages.ts';
import { noteCopied, planCopies, planNoCopies, recoveryBacklog } from './recovery-copies.ts';
import { seqAfter, seqLess, seqMax, seqMin } from './seqno.ts';
import { sendCommitToken, sendToken } from './token-timers.ts';

/** Visits with retrans_flg clear: at the first of these install_seq is fixed, at the second it is watched. */
const CLEAR_VISITS_TO_FIX = 2;
const CLEAR_VISITS_TO_WATCH = 3;
/** Visits in a row on which everybody had everything up to install_seq. */
const INSTALLED_VISITS = 2;

export function enterRecovery(srp: Srp, token: CommitToken): void {
  const { initialSeq } = srp.config;
  srp.state = 'recovery';
  srp.log.reset(initialSeq);
  srp.stable = initialSeq;
  srp.lastAru = initialSeq;
  srp.aruUnchanged = 0;
  srp.lastSeq = initialSeq;
  srp.seqUnchanged = 0;
  srp.tokenSeq = seqAfter(initialSeq, -1);
  srp.setRetransFlg = false;
  srp.retransFlgClear = 0;
  srp.installSeq = initialSeq;
  srp.rotationsInstalled = 0;
  srp.firstTokenSent = false;
  srp.commitTokenSeq = token.tokenSeq + 1;
  planRecovery(srp, token);
  trace(srp, 'enter-recovery', { trans: srp.transMembers, copies: recoveryBacklog(srp) });
  const forwarded = { ...token, nodeId: srp.nodeId, tokenSeq: srp.commitTokenSeq };
  sendCommitToken(srp, encodeCommitToken(forwarded));
}

/** The commit token's third visit at the representative: everybody is in recovery, the ring can turn. */
export function onCommitTokenInRecovery(srp: Srp, packet: Uint8Array): void {
  const decoded = decodeCommitToken(packet);
  if (!decoded.ok) {
    drop(srp, decoded.error);
    return;
  }
  const { ringId, tokenSeq } = decoded.value;
  const isMine = isRep(srp) && ringIdEquals(ringId, srp.ringId);
  // A late copy of the second visit is told by its token_seq: others may not be in recovery yet.
  if (!isMine || srp.firstTokenSent || tokenSeq < srp.commitTokenSeq) {
    drop(srp, 'commit-token-duplicate');
    return;
  }
  srp.firstTokenSent = true;
  sendFirstToken(srp);
}

export function onMcastInRecovery(srp: Srp, packet: Uint8Array): void {
  const error = mcastError(packet);
  if (error !== undefined) drop(srp, error);
  else if (!isOfRing(srp, packet)) drop(srp, 'ring-stale');
  // New messages come when all have left recovery; this one will be asked for again.
  else if (!mcastIsEncapsulated(packet)) drop(srp, 'mcast-too-early');
  else if (store(srp, packet)) {
    srp.log.delivered = srp.log.aru;
    recover(srp, packet);
  }
}

/** retrans_flg and install_seq (totem-wire §3.3). @returns whether the new ring can be installed. */
export function noteRecoveryProgress(srp: Srp, token: OrfToken): boolean {
  srp.log.delivered = srp.log.aru;
  if (recoveryBacklog(srp) > 0) {
    if (token.retransFlg === 0) {
      token.retransFlg = 1;
      srp.setRetransFlg = true;
    }
  } else if (token.retransFlg !== 0 && srp.setRetransFlg) {
    token.retransFlg = 0;
    srp.setRetransFlg = false;
  }
  srp.retransFlgClear = token.retransFlg === 0 ? srp.retransFlgClear + 1 : 0;
  if (srp.retransFlgClear === CLEAR_VISITS_TO_FIX) srp.installSeq = token.seq;
  const allHave =
    srp.retransFlgClear >= CLEAR_VISITS_TO_WATCH && !seqLess(token.aru, srp.installSeq);
  srp.rotationsInstalled = allHave ? srp.rotationsInstalled + 1 : 0;
  return srp.rotationsInstalled === INSTALLED_VISITS;
}

/** Who comes along from the old ring, and what they must tell each other. */
function planRecovery(srp: Srp, token: CommitToken): void {
  const { old, oldLog } = srp;
  srp.transMembers = [srp.nodeId];
  srp.oldHighDelivered = oldLog.delivered;
  planNoCopies(srp);
  if (old === undefined) return;
  const related = token.entries.filter(
    (entry, i) =>
      ringIdEquals(entry.oldRingId, old.ringId) && old.members.includes(token.members[i]!),
  );
  srp.transMembers = token.members.filter((_, i) => related.includes(token.entries[i]!));
  for (const entry of related) {
    srp.oldHighDelivered = seqMax(srp.oldHighDelivered, entry.highDelivered);
  }
  if (related.every((entry) => entry.received)) return;
  const low = related.reduce((aru, entry) => seqMin(aru, entry.aru), oldLog.aru);
  // What is released is stable: no honest entry is below, so a forged one cannot make the range longer.
  planCopies(srp, seqMax(low, oldLog.base));
}

function sendFirstToken(srp: Srp): void {
  const { token, config } = srp;
  token.nodeId = srp.nodeId;
  token.seq = config.initialSeq;
  token.tokenSeq = config.initialSeq;
  token.aru = seqAfter(config.initialSeq, -1);
  token.aruAddr = srp.nodeId;
  token.ringRep = srp.ringId.rep;
  token.ringSeq = srp.ringId.seq;
  token.backlog = 0;
  token.fcc = 0;
  srp.setRetransFlg = recoveryBacklog(srp) > 0;
  token.retransFlg = srp.setRetransFlg ? 1 : 0;
  token.rtrCount = 0;
  sendToken(srp, false);
}

/** Unwraps a copy into the log of the old ring, if it is ours and not yet there. */
function recover(srp: Srp, packet: Uint8Array): void {
  const inner = decapsulate(packet);
  const { old, oldLog } = srp;
  if (inner === undefined || old === undefined) return;
  if (mcastRingSeq(inner) !== old.ringId.seq || mcastRingRep(inner) !== old.ringId.rep) return;
  const seq = mcastSeq(inner);
  if (!oldLog.isInRange(seq) || !old.members.includes(mcastSource(inner))) return;
  noteCopied(srp, seq);
  if (oldLog.get(seq) === undefined) oldLog.add(seq, srp.pool.copy(inner));
}
