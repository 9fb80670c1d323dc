/**
 * Hints of death from outside the protocol: a host answered that nobody listens on a node's port. A hint can
 * be false (a restart, a forged ICMP message) or late, so it never counts as proof. It only moves the
 * time-outs forward: a suspected member is asked for a JOIN at once, and given up early when it stays silent
 * while its host goes on refusing (ADR 0110).
 */
import { type Srp, trace } from './context.ts';
import { agreeing, joinPeriod } from './gather.ts';
import { SUSPICION_MS } from './limits.ts';
import { union } from './nodes.ts';

/** Per member at most one gather in a token time-out begins with a hint, however many there are. */
export function onHintInRing(srp: Srp, node: number): void {
  if (node === srp.nodeId || !srp.ringNodes.has(node)) return;
  const last = srp.hintedGatherAt.get(node) ?? Number.NEGATIVE_INFINITY;
  if (srp.now - last < srp.config.tokenMs) return;
  srp.hintedGatherAt.set(node, srp.now);
  srp.counters.hintedGathers++;
  srp.suspectedSince.set(node, srp.now);
  trace(srp, 'suspicion', { suspect: node });
  srp.enter.gather('suspicion');
}

/** The second hint counts if the node has had time to answer our JOIN in between, and has not. */
export function onHintInGather(srp: Srp, node: number): void {
  if (node === srp.nodeId || !agreeing(srp).includes(node)) return;
  const since = srp.suspectedSince.get(node);
  if (since === undefined) {
    srp.suspectedSince.set(node, srp.now);
    // As by sendJoin: cancelled on entering commit or on leaving.
    srp.effects.setTimer('join', joinPeriod(srp));
  } else if (srp.now - since >= SUSPICION_MS) {
    srp.counters.hintedFailures++;
    srp.failed = union(srp.failed, [node]);
    srp.enter.gather('suspicion-confirmed');
  }
}

/** In a new ring: who is in it was accused wrongly and stays limited, of all others nothing is kept. */
export function forgetSuspects(srp: Srp): void {
  srp.suspectedSince.clear();
  for (const node of srp.hintedGatherAt.keys()) {
    if (!srp.ringNodes.has(node)) srp.hintedGatherAt.delete(node);
  }
}
