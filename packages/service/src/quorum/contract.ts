/** Quorum: a filter on configurations, pluggable (DESIGN: votequorum, ykd, none). */
import type { RingId } from '@aisexec/totem';

export interface QuorumState {
  readonly quorate: boolean;
  /** Votes present and votes needed; both 0 for a filter that does not count. */
  readonly votes: number;
  readonly needed: number;
}

export interface QuorumFilter {
  readonly name: string;
  /** A regular configuration with its executives' nodeids, ascending. Same input, same answer on every member. */
  update(ringId: RingId, members: readonly number[]): QuorumState;
  readonly state: QuorumState;
}
