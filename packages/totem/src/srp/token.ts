/**
 * One visit of the ORF token (totem-wire §3.4): say what is stable, send again what others miss, ask for
 * what is missing here, send what is new, report how far this node has everything, forward, send what the token may
 * overtake, and only then deliver. In recovery the same visit moves copies of the old ring's messages instead of new ones.
 */
import { decodeOrfToken, type OrfToken } from '../wire/index.ts';
import { drop, isRep, type Srp, trace } from './context.ts';
import { deliver, noteStable } from './delivery.ts';
import { allowance, recordSent, roomInOrder } from './flow-control.ts';
import { SORT_QUEUE_SLOTS } from './limits.ts';
import { sendNew, sendOvertaken } from './messages.ts';
import { union } from './nodes.ts';
import { noteRecoveryProgress } from './recovery.ts';
import { answerRequests, requestMissing } from './retransmit.ts';
import { seqAfter, seqDistance, seqLess, seqMin } from './seqno.ts';
import { sendToken } from './token-timers.ts';

export function onToken(srp: Srp, packet: Uint8Array): void {
  const { token } = srp;
  if (!accept(srp, packet, token)) return;
  srp.counters.tokenVisits++;
  srp.tokenTimeout.visited(srp.now);
  srp.tokenHeld = false;
  noteSeq(srp, token);
  noteStable(srp, token.aru);
  if (srp.state === 'operational') {
    srp.client.tokenArrived();
    if (srp.state !== 'operational') return;
  }
  const allowed = allowance(srp, token);
  const resent = answerRequests(srp, token, allowed);
  requestMissing(srp, token);
  const sent = sendNew(srp, token, Math.min(allowed - resent, roomInOrder(srp, token)));
  recordSent(srp, token, resent + sent);
  reportAru(srp, token);
  const stuck = findStuck(srp, token);
  if (stuck !== 0) {
    sendOvertaken(srp);
    expel(srp, stuck);
    return;
  }
  srp.tokenSeq = token.tokenSeq;
  token.tokenSeq = seqAfter(token.tokenSeq);
  token.nodeId = srp.nodeId;
  const installed = srp.state === 'recovery' && noteRecoveryProgress(srp, token);
  forward(srp, resent + sent > 0);
  sendOvertaken(srp);
  if (installed) srp.enter.operational();
  else if (srp.state === 'operational') deliver(srp);
}

/** The representative keeps the token of an idle ring; the others only need to know that it does. */
function forward(srp: Srp, busy: boolean): void {
  const { seqnoUnchangedConst } = srp.config;
  const threshold = isRep(srp) ? seqnoUnchangedConst + 1 : seqnoUnchangedConst;
  srp.tokenHeld = srp.state === 'operational' && !busy && srp.seqUnchanged >= threshold;
  const hold = srp.tokenHeld && isRep(srp);
  if (hold) srp.counters.tokenHolds++;
  sendToken(srp, hold);
}

function accept(srp: Srp, packet: Uint8Array, token: OrfToken): boolean {
  const error = decodeOrfToken(packet, token);
  if (error !== undefined) drop(srp, error);
  else if (token.ringRep !== srp.ringId.rep || token.ringSeq !== srp.ringId.seq) {
    drop(srp, 'token-of-another-ring');
  } else if (!seqLess(srp.tokenSeq, token.tokenSeq)) drop(srp, 'token-duplicate');
  else if (!isPlausible(srp, token)) drop(srp, 'token-implausible');
  else return true;
  return false;
}

/**
 * What every honest token satisfies: nobody's aru is below what is stable (one below at the very start), none
 * is above seq, and the order fits the sort queue.
 */
function isPlausible(srp: Srp, token: OrfToken): boolean {
  const { base } = srp.log;
  const ahead = seqDistance(base, token.seq);
  const aruAhead = seqDistance(base, token.aru);
  return ahead >= 0 && ahead <= SORT_QUEUE_SLOTS - 2 && aruAhead >= -1 && aruAhead <= ahead;
}

/** Counts idle rotations, and lets the representative announce an idle ring. */
function noteSeq(srp: Srp, token: OrfToken): void {
  if (token.seq === srp.lastSeq) {
    srp.seqUnchanged++;
    if (srp.state === 'operational' && isRep(srp) && !srp.mergeTimerRuns) {
      srp.mergeTimerRuns = true;
      // Cancelled by a token with a new seq, by gather and leave.
      srp.effects.setTimer('merge', srp.config.mergeMs);
    }
    return;
  }
  srp.lastSeq = token.seq;
  srp.seqUnchanged = 0;
  if (!srp.mergeTimerRuns) return;
  srp.mergeTimerRuns = false;
  srp.effects.cancelTimer('merge');
}

function reportAru(srp: Srp, token: OrfToken): void {
  // A forged message may have filled a place that the token does not know yet.
  const aru = seqMin(srp.log.aru, token.seq);
  if (seqLess(aru, token.aru) || token.aruAddr === srp.nodeId || token.aruAddr === 0) {
    token.aru = aru;
    token.aruAddr = aru === token.seq ? 0 : srp.nodeId;
  }
  if (token.aru === srp.lastAru && token.aruAddr !== 0) srp.aruUnchanged++;
  else srp.aruUnchanged = 0;
  srp.lastAru = token.aru;
}

/**
 * The node that has missed a message for too long, or 0. Corosync leaves it to the node itself; after twice
 * the time the others expel it, as the paper has it (Totem §4.3): it may hear tokens and nothing else.
 */
function findStuck(srp: Srp, token: OrfToken): number {
  const { failRecvConst } = srp.config;
  const { aruAddr } = token;
  if (srp.aruUnchanged <= failRecvConst || srp.ringNodes.size === 1) return 0;
  if (aruAddr === srp.nodeId) return aruAddr;
  return srp.aruUnchanged > 2 * failRecvConst && srp.ringNodes.has(aruAddr) ? aruAddr : 0;
}

function expel(srp: Srp, node: number): void {
  srp.counters.failedToReceive++;
  trace(srp, 'failed-to-receive', { node });
  srp.failedToReceive = node === srp.nodeId;
  srp.failed = union(srp.failed, [node]);
  srp.enter.gather('failed-to-receive');
}
