/** The replicated state of CLM, plain data. */
import type { ClientRef } from '@aisexec/service';
import type { ClusterNode, TrackMode } from '../protocol.ts';

/** What a node knows about its cluster: the members by nodeid. */
export type Members = Map<number, ClusterNode>;

export interface Track {
  readonly client: ClientRef;
  readonly mode: TrackMode;
  /** Only about the client's own node. */
  readonly local: boolean;
  readonly subscription: number;
  /** Set by a merge for clients of a history that lost. Null: they know what the merged history knew. */
  readonly since: LostHistory | null;
}

/** What clients of a history that lost know: the next change is told against this. */
export interface LostHistory {
  readonly members: readonly ClusterNode[];
  /** Those of them that come along from this history, ascending. */
  readonly coming: readonly number[];
}

export interface ClmState {
  /** 0 before the first view; rises by one with every change of membership. */
  viewNumber: bigint;
  members: Members;
  /** By {@link clientKey}: one subscription per client. */
  tracks: Map<string, Track>;
}

export function createState(): ClmState {
  return { viewNumber: 0n, members: new Map(), tracks: new Map() };
}

export function clientKey(client: ClientRef): string {
  return `${client.node}.${client.connection}`;
}
