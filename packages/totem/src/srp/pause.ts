/**
 * A process that slept (SIGSTOP, a stalled VM, a long collection) wakes to a queue of stale packets. Old
 * JOINs among them would tear down a healthy ring, so JOINs are ignored for one `join` period after a gap
 * between inputs that no living ring has (Corosync's pause timer, totem-wire §3.1). JOINs that matter are
 * repeated. The token time-out learns from it: where one process sleeps, others do. With a driver that gives no time (`now` constant) nothing is ever ignored.
 */
import { type Srp, trace } from './context.ts';

export function noteTime(srp: Srp, now: number): void {
  const gapMs = now - srp.now;
  srp.now = now;
  if (gapMs <= srp.config.tokenMs / 2) return;
  srp.wokeAt = now;
  srp.counters.pausesNoticed++;
  srp.tokenTimeout.silence(gapMs);
  trace(srp, 'pause-noticed', { gapMs });
}

export function isJoinDoubtful(srp: Srp): boolean {
  return srp.now - srp.wokeAt < srp.config.joinMs;
}
