/**
 * Lost messages (totem-wire §3.4 step 5): a member puts what it misses on the token, the next one that has
 * it sends it again and takes it off the list.
 */
import { type OrfToken, RTR_ENTRIES_MAX } from '../wire/index.ts';
import type { Srp } from './context.ts';
import { seqAfter, seqDistance } from './seqno.ts';

/** Sends what is asked for and here, at most `allowed`; the rest stays on the list. @returns how many. */
export function answerRequests(srp: Srp, token: OrfToken, allowed: number): number {
  let sent = 0;
  let kept = 0;
  for (let i = 0; i < token.rtrCount; i++) {
    // A request for another ring's message can only be a forger's: nobody could ever take it off.
    if (token.rtrRingRep[i] !== srp.ringId.rep || token.rtrRingSeq[i] !== srp.ringId.seq) continue;
    const seq = token.rtrSeq[i]!;
    const packet = sent < allowed ? srp.log.get(seq) : undefined;
    if (packet !== undefined) {
      srp.effects.multicast(packet);
      sent++;
      continue;
    }
    token.rtrSeq[kept] = seq;
    token.rtrRingRep[kept] = srp.ringId.rep;
    token.rtrRingSeq[kept] = srp.ringId.seq;
    kept++;
  }
  token.rtrCount = kept;
  srp.counters.messagesResent += sent;
  return sent;
}

/**
 * Asks for what this node misses up to the token's seq. A gap must outlast `missCountConst` visits first:
 * the message may be on its way, overtaken by the token.
 */
export function requestMissing(srp: Srp, token: OrfToken): void {
  const { log } = srp;
  const count = seqDistance(log.aru, token.seq);
  for (let i = 1, seq = log.aru; i <= count && token.rtrCount < RTR_ENTRIES_MAX; i++) {
    seq = seqAfter(seq);
    if (log.get(seq) !== undefined) continue;
    if (log.countMiss(seq) < srp.config.missCountConst) continue;
    if (isRequested(token, seq)) continue;
    token.rtrSeq[token.rtrCount] = seq;
    token.rtrRingRep[token.rtrCount] = srp.ringId.rep;
    token.rtrRingSeq[token.rtrCount] = srp.ringId.seq;
    token.rtrCount++;
    srp.counters.resendsRequested++;
  }
}

function isRequested(token: OrfToken, seq: number): boolean {
  for (let i = 0; i < token.rtrCount; i++) if (token.rtrSeq[i] === seq) return true;
  return false;
}
