/** The lock table for people and tools: `aisctl locks`. JSON-safe, 64-bit numbers as decimal strings. */
import type { ClientRef } from '@aisexec/service';
import { SA_LCK_EX_LOCK_MODE, type SaLckLockModeT } from '../protocol.ts';
import type {
  GrantedLock,
  LckFairness,
  LckState,
  OrphanLock,
  Resource,
  WaitingLock,
} from './state.ts';

export interface LckInspection {
  readonly quorate: boolean;
  /** Null until a client opened the first resource. */
  readonly fairness: LckFairness | null;
  readonly clients: number;
  readonly opens: number;
  readonly locks: number;
  readonly resources: readonly ResourceInspection[];
}

export interface ResourceInspection {
  readonly name: string;
  readonly openers: number;
  readonly granted: readonly HeldInspection[];
  readonly orphans: readonly HeldInspection[];
  readonly waiting: readonly LockInspection[];
}

export interface LockInspection extends ClientRef {
  readonly mode: 'PR' | 'EX';
  /** When it was granted or asked for, ns since the epoch, by the clock of the node whose message did that. */
  readonly since: string;
}

export interface HeldInspection extends LockInspection {
  readonly fencingToken: string;
}

export function inspect(state: LckState): LckInspection {
  return {
    quorate: state.quorate,
    fairness: state.fairness,
    clients: state.clients.size,
    opens: state.openCount,
    locks: state.lockCount,
    resources: [...state.resources.values()].map(inspectResource),
  };
}

function inspectResource(resource: Resource): ResourceInspection {
  return {
    name: resource.name,
    openers: resource.openers,
    granted: [...resource.granted.values()].map(inspectHeld),
    orphans: resource.orphans.map(inspectHeld),
    waiting: [...resource.waiting.values()].map(inspectLock),
  };
}

function inspectHeld(lock: GrantedLock | OrphanLock): HeldInspection {
  return { ...inspectLock(lock), fencingToken: lock.token.toString() };
}

function inspectLock(lock: GrantedLock | OrphanLock | WaitingLock): LockInspection {
  const { node, connection } = lock.owner;
  return { node, connection, mode: modeName(lock.mode), since: lock.since.toString() };
}

function modeName(mode: SaLckLockModeT): 'PR' | 'EX' {
  return mode === SA_LCK_EX_LOCK_MODE ? 'EX' : 'PR';
}
