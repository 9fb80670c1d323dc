/**
 * What replicas of the lock table are compared by at a view change (ADR 0185): the mark of an open or a lock hashes all of it,
 * the table's digest is the sum of the marks, which each change corrects in constant time. A sum knows no
 * order; what it does not see is compared where whole states are (ADR 0128).
 */
import { type ClientRef, Hash64 } from '@aisexec/service';
import type { GrantedLock, LckState, Lock, Open, OrphanLock, WaitingLock } from './table.ts';

/** So that things of different kinds never have the same mark. */
const KIND = { open: 1, granted: 2, waiting: 3, orphan: 4 } as const;
const FAIRNESS = { standard: 1, fifo: 2 } as const;

export function markOfOpen(
  ref: ClientRef,
  handle: bigint,
  open: Pick<Open, 'name' | 'notify'>,
): number {
  const hash = begin(KIND.open, open.name, ref);
  hash.long(handle);
  hash.word(bit(open.notify));
  return hash.number52();
}

export function markOfGranted(name: string, lock: GrantedLock): number {
  const hash = begin(KIND.granted, name, lock.owner);
  addLock(hash, lock);
  hash.long(lock.token);
  return hash.number52();
}

export function markOfWaiting(name: string, lock: WaitingLock): number {
  const hash = begin(KIND.waiting, name, lock.owner);
  addLock(hash, lock);
  hash.long(lock.waiterSignal);
  hash.word(bit(lock.detect) | (bit(lock.announced) << 1));
  addClient(hash, lock.source);
  hash.integer(lock.source.request);
  return hash.number52();
}

export function markOfOrphan(name: string, lock: OrphanLock): number {
  const hash = begin(KIND.orphan, name, lock.owner);
  hash.long(lock.id);
  hash.word(lock.mode);
  hash.long(lock.token);
  hash.long(lock.since);
  return hash.number52();
}

/** Of the whole table. Not proportional to anything. */
export function digest(state: LckState): string {
  const hash = new Hash64();
  hash.word(state.fairness === null ? 0 : FAIRNESS[state.fairness]);
  hash.word(bit(state.quorate));
  hash.word(state.lockCount);
  hash.word(state.contended.size);
  hash.word(state.clients.size);
  hash.word(state.resources.size);
  hash.integer(state.digest);
  return hash.hex();
}

function begin(kind: number, name: string, owner: ClientRef): Hash64 {
  const hash = new Hash64();
  hash.word(kind);
  hash.text(name);
  addClient(hash, owner);
  return hash;
}

function addClient(hash: Hash64, { node, connection }: ClientRef): void {
  hash.word(node);
  hash.integer(connection);
}

function addLock(hash: Hash64, lock: Lock): void {
  hash.long(lock.id);
  hash.long(lock.handle);
  hash.word(lock.mode);
  hash.word(bit(lock.orphan) | (bit(lock.notify) << 1));
  hash.long(lock.since);
}

function bit(flag: boolean): number {
  return flag ? 1 : 0;
}
