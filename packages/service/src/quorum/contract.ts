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
  /**
   * Two components are never quorate at once. Then, of two quorate histories that meet, the older one is out
   * of date: a node that slept through the change still believes in it.
   */
  readonly exclusive: boolean;
  /** A regular configuration with its executives' nodeids, ascending. Same input, same answer on every member. */
  update(ringId: RingId, members: readonly number[]): QuorumState;
  readonly state: QuorumState;
}
