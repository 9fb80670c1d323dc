/** What the core knows of the view that it is in. */
import type { RingId } from '@aisexec/totem';
import type { Inbox } from './inbox.ts';
import type { QuorumOfRing } from './round.ts';

export interface View {
  readonly ringId: RingId;
  /** nodeids, ascending. */
  readonly members: readonly number[];
  readonly pids: ReadonlyMap<number, number>;
  readonly quorum: QuorumOfRing;
  /** What each member announced of the quorum, by nodeid. */
  readonly quorate: ReadonlyMap<number, boolean>;
  readonly inbox: Inbox;
  /** No other executive is reached: what is sent comes back by itself. */
  readonly solo: boolean;
}

export const NO_VIEW: RingId = { rep: 0, seq: 0 };
export const NO_QUORUM: QuorumOfRing = { quorate: false, votes: 0, needed: 0 };
