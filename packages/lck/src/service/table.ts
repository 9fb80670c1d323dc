/** What the replicated lock table is made of. Plain data; it is changed in state.ts alone. */
import type { ClientRef, Source } from '@aisexec/service';
import type { SaLckLockModeT } from '../protocol.ts';

/** What granted and waiting locks have in common. */
export interface Lock {
  /** Drawn by the client; unique with {@link owner}. */
  readonly id: bigint;
  readonly owner: ClientRef;
  /** The open through which it was asked for. */
  readonly handle: bigint;
  readonly mode: SaLckLockModeT;
  /** Asked for with SA_LCK_LOCK_ORPHAN. */
  readonly orphan: boolean;
  /** Tell the owner when its lock blocks a request. */
  readonly notify: boolean;
  /**
   * For people, ns since the epoch: when it was granted or, while it waits, asked for, by the clock of the node
   * whose message did that; the same value on all nodes.
   */
  readonly since: bigint;
}

export interface WaitingLock extends Lock {
  readonly waiterSignal: bigint;
  /** Follow this wait in the search for cycles of clients. */
  readonly detect: boolean;
  /** The deferred reply. */
  readonly source: Source;
  /** Whether the holders of its time were told of it; false for one that came with a merge. */
  announced: boolean;
}

export interface GrantedLock extends Lock {
  /** The fencing token: the place of the grant in the total order. */
  readonly token: bigint;
}

/** A lock whose owner is gone. It blocks, and nobody is told of it (AIS B.1 rule 9). */
export interface OrphanLock {
  readonly id: bigint;
  /** Who held it, for people: the number may belong to another client by now. */
  readonly owner: ClientRef;
  readonly mode: SaLckLockModeT;
  readonly token: bigint;
  /** See {@link Lock.since}. */
  readonly since: bigint;
}

export interface Resource {
  readonly name: string;
  /** Open handles on it, of all clients. */
  openers: number;
  /** By {@link lockKey}, in the order of their grants. An EX lock is alone in here. */
  granted: ReadonlyMap<string, GrantedLock>;
  orphans: readonly OrphanLock[];
  /** By {@link lockKey}, oldest first. */
  waiting: ReadonlyMap<string, WaitingLock>;
}

export interface Open {
  readonly name: string;
  readonly notify: boolean;
  /** Ids of the locks, granted and waiting, that were asked for through this open. */
  locks: readonly bigint[];
}

/** A client with at least one open handle. */
export interface Client {
  readonly ref: ClientRef;
  /** By resource handle. */
  readonly opens: Map<bigint, Open>;
  /** Lock id to the resource handle it belongs to. */
  readonly locks: Map<bigint, bigint>;
}

/**
 * Who is granted first: `standard`, readers pass waiting writers (openais, OpenSAF); `fifo`, nobody passes
 * anybody.
 */
export type LckFairness = 'standard' | 'fifo';

export interface LckState {
  /** The cluster's, decided by the first open of all; null before that (ADR 0121). */
  fairness: LckFairness | null;
  /** The last view's word: tells the loss of quorum from its absence. */
  quorate: boolean;
  /** Derived: open handles of all clients. */
  openCount: number;
  /** Granted, waiting and orphaned locks of all resources. */
  lockCount: number;
  /** Derived: the sum of the marks of all opens and locks (ADR 0185). */
  digest: number;
  /** Names of the resources with waiting requests, in the order in which the oldest present queues began. */
  readonly contended: Set<string>;
  /** By {@link clientKey}. */
  readonly clients: Map<string, Client>;
  readonly resources: Map<string, Resource>;
}
