/** The replicated state of CLM, plain data. */
import type { ClientRef, Source } from '@aisexec/service';
import type { ClusterNode, TrackMode } from '../protocol.ts';

/** What a node knows about its cluster: the members by nodeid. */
export type Members = Map<number, ClusterNode>;

export interface Track {
  readonly client: ClientRef;
  /** Under which admission of its node the client subscribed. */
  readonly admission: bigint;
  readonly mode: TrackMode;
  /** Only about the client's own node. */
  readonly local: boolean;
  /** Is asked before a removal. */
  readonly validate: boolean;
  /** Is told, and waited for, when a removal starts. */
  readonly start: boolean;
  readonly subscription: number;
  /** Set by a merge for clients of a history that lost. Null: they know what the merged history knew. */
  readonly since: LostHistory | null;
  /** Responses that operations wait for. */
  owes: readonly Owed[];
}

/** A response that a client owes: to the operation on a node, under an invocation. */
export interface Owed {
  readonly nodeId: number;
  readonly invocation: bigint;
}

/** What clients of a history that lost know: the next change is told against this. */
export interface LostHistory {
  readonly members: readonly ClusterNode[];
  /** Those of them that come along from this history, ascending. */
  readonly coming: readonly number[];
}

/** What was decided last about a node. Both numbers are places in the order; 0: never. */
export interface AdminRecord {
  readonly locked: boolean;
  readonly changed: bigint;
  /** When it was removed last: the number of its admission after that. */
  readonly evicted: bigint;
}

/** A removal under way, of the node that is its key. */
export interface Operation {
  readonly nodeId: number;
  /** A lock ends when its time is over, a shutdown waits for every subscriber that it told to start. */
  kind: 'lock' | 'shutdown';
  step: 'validate' | 'start';
  /** Nanoseconds. */
  supervision: bigint;
  deadline: bigint | null;
  /** Responses outstanding: how many {@link Owed} name this node. */
  owed: number;
  /** Who asked for it and is still there. */
  callers: readonly Source[];
}

/** An operation of a history that lost: its clients are told in the next view that it was aborted. */
export interface LostOperation {
  readonly operation: Operation;
  /** The nodes whose clients knew of it. */
  readonly members: readonly number[];
}

export interface ClmState {
  /** 0 before the first view; rises by one with every change of membership. */
  viewNumber: bigint;
  members: Members;
  /** By {@link clientKey}: one subscription per client. */
  tracks: Map<string, Track>;
  /** Invocations given out so far. */
  invocations: bigint;
  /** By nodeid: every node that was ever administered. */
  records: Map<number, AdminRecord>;
  /** By nodeid: at most one at a time for a node. */
  operations: Map<number, Operation>;
  /** Between a merge and its view only. */
  lost: readonly LostOperation[];
  /** The highest view number of the histories that lost; between a merge and its view only, else 0. */
  lostViewNumber: bigint;
}

export function createState(): ClmState {
  return {
    viewNumber: 0n,
    members: new Map(),
    tracks: new Map(),
    invocations: 0n,
    records: new Map(),
    operations: new Map(),
    lost: [],
    lostViewNumber: 0n,
  };
}

export function clientKey(client: ClientRef): string {
  return `${client.node}.${client.connection}`;
}

/** Above every number that any of the histories has seen. */
export function nextViewNumber({ viewNumber, lostViewNumber }: ClmState): bigint {
  return (viewNumber > lostViewNumber ? viewNumber : lostViewNumber) + 1n;
}

/** The number under which the node is, or was last, admitted: 0 until it is evicted for the first time. */
export function admissionOf(state: ClmState, nodeId: number): bigint {
  return state.records.get(nodeId)?.evicted ?? 0n;
}

/** Whether a client that connected under `admission` may use the service. */
export function isAdmitted(state: ClmState, nodeId: number, admission: bigint): boolean {
  return state.members.has(nodeId) && admissionOf(state, nodeId) === admission;
}

export function isLocked(state: ClmState, nodeId: number): boolean {
  return state.records.get(nodeId)?.locked === true;
}

/** Ends a subscription; what its client owes is owed no more. */
export function dropTrack(state: ClmState, client: ClientRef): boolean {
  const key = clientKey(client);
  const track = state.tracks.get(key);
  if (track === undefined) return false;
  state.tracks.delete(key);
  for (const { nodeId } of track.owes) {
    const operation = state.operations.get(nodeId);
    if (operation !== undefined) operation.owed--;
  }
  return true;
}
