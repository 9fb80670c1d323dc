/** What the ring counts. Dropped packets are counted by reason; the reasons are literals, so they are few. */
import type { WireError } from '../wire/index.ts';

/** Why a packet that is well-formed was not wanted, beside the {@link WireError}s. */
export type DropReason =
  | WireError
  | 'not-started'
  | 'left'
  | 'wrong-state'
  | 'token-of-another-ring'
  | 'token-duplicate'
  | 'token-implausible'
  | 'mcast-duplicate'
  | 'mcast-out-of-range'
  | 'mcast-of-a-stranger'
  | 'mcast-stale'
  | 'mcast-too-early'
  | 'ring-stale'
  | 'join-own'
  | 'join-stale'
  | 'join-from-failed'
  | 'join-known'
  | 'ring-seq-implausible'
  | 'join-after-pause'
  | 'too-many-nodes'
  | 'commit-token-other-members'
  | 'commit-token-stale'
  | 'commit-token-duplicate';

export interface Counters {
  tokenVisits: number;
  tokenResends: number;
  tokenHolds: number;
  holdCancels: number;
  tokenLosses: number;
  messagesSent: number;
  messagesOvertaken: number;
  messagesReceived: number;
  messagesDelivered: number;
  messagesResent: number;
  resendsRequested: number;
  recoveryCopiesSent: number;
  gathers: number;
  hints: number;
  hintedGathers: number;
  hintedFailures: number;
  ringsFormed: number;
  failedToReceive: number;
  pausesNoticed: number;
}

export function createCounters(): Counters {
  return {
    tokenVisits: 0,
    tokenResends: 0,
    tokenHolds: 0,
    holdCancels: 0,
    tokenLosses: 0,
    messagesSent: 0,
    messagesOvertaken: 0,
    messagesReceived: 0,
    messagesDelivered: 0,
    messagesResent: 0,
    resendsRequested: 0,
    recoveryCopiesSent: 0,
    gathers: 0,
    hints: 0,
    hintedGathers: 0,
    hintedFailures: 0,
    ringsFormed: 0,
    failedToReceive: 0,
    pausesNoticed: 0,
  };
}
