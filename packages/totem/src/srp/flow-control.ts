/**
 * How much a node may send on one token visit (Totem §3.3, totem-wire §3.4 step 4): at most `maxMessages`
 * itself, at most `windowSize` with everybody else's last visit, and of a loaded ring no more than its
 * share of the backlog. `fcc` and `backlog` on the token are sums over all members, kept by differences.
 *
 * Our own queue is short (ADR 0020), Corosync's holds thousands of packets: beside it we would get a hundredth of its
 * share. So what waits above the queue counts, too, up to what the others announce on average (ADR 0224).
 */
import type { OrfToken } from '../wire/index.ts';
import type { Srp } from './context.ts';
import { SORT_QUEUE_SLOTS } from './limits.ts';
import { recoveryBacklog } from './recovery-copies.ts';
import { seqDistance } from './seqno.ts';

/** Messages, resends and new ones together, that may leave on this visit. */
export function allowance(srp: Srp, token: OrfToken): number {
  const { maxMessages, windowSize } = srp.config;
  srp.backlogNow = backlog(srp, token);
  let allowed = Math.min(maxMessages, Math.max(0, windowSize - token.fcc));
  const total = token.backlog + srp.backlogNow - srp.backlogLast;
  if (total > 0) {
    const share = Math.floor((windowSize * srp.backlogLast) / total);
    if (share > 0) allowed = Math.min(allowed, share);
  }
  return allowed;
}

/**
 * New messages that fit the sort queue of the slowest member: one window stays free, because members may
 * have released less than we have (totem-wire §4.7 rule 3).
 */
export function roomInOrder(srp: Srp, token: OrfToken): number {
  const used = seqDistance(srp.log.base, token.seq);
  return Math.max(0, SORT_QUEUE_SLOTS - 2 - srp.config.windowSize - used);
}

export function recordSent(srp: Srp, token: OrfToken, sent: number): void {
  token.fcc = Math.max(0, token.fcc + sent - srp.sentLastVisit);
  token.backlog = Math.max(0, token.backlog + srp.backlogNow - srp.backlogLast);
  srp.sentLastVisit = sent;
  srp.backlogLast = srp.backlogNow;
}

function backlog(srp: Srp, token: OrfToken): number {
  if (srp.state === 'recovery') return recoveryBacklog(srp);
  if (srp.syncing) return srp.syncQueue.size;
  const queued = srp.syncQueue.size + srp.normalQueue.size;
  const others = (token.backlog - srp.backlogLast) / Math.max(1, srp.members.length - 1);
  if (others <= queued) return queued;
  const waiting = srp.client.packetsWaiting?.() ?? 0;
  return queued + Math.min(waiting, Math.floor(others) - queued);
}
