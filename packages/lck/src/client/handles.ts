/**
 * What is behind the 64-bit numbers of the literal layer: handles, opens and lock ids of one process,
 * with what belongs to what, so that closing one forgets all below it.
 */
import type { HandleTable } from '@aisexec/ais';
import { type AisHandle, createHandleTable } from '@aisexec/ipc';
import { FINALIZED_LOCKS_KEPT } from './limits.ts';
import type {
  SaLckCallbacksT,
  SaLckHandleT,
  SaLckLockIdT,
  SaLckResourceHandleT,
} from './literal-types.ts';

/** One `saLckInitialize`. */
export interface LckHandle {
  readonly ais: AisHandle;
  readonly callbacks: SaLckCallbacksT;
  readonly opens: Set<SaLckResourceHandleT>;
  /** Waiter callbacks that wait for dispatch. */
  waitersQueued: number;
}

/** One open of a resource; also the owner of its callbacks in the queue. */
export interface LckOpen {
  readonly handle: LckHandle;
  readonly locks: Set<SaLckLockIdT>;
  closed: boolean;
}

export class LckTables {
  readonly handles: HandleTable<'SaLckHandleT', LckHandle> = createHandleTable();
  readonly opens: HandleTable<'SaLckResourceHandleT', LckOpen> = createHandleTable();
  readonly locks: HandleTable<'SaLckLockIdT', LckOpen> = createHandleTable();
  readonly #finalizedLocks = new Set<SaLckLockIdT>();

  addOpen(handle: LckHandle): SaLckResourceHandleT {
    const id = this.opens.add({ handle, locks: new Set(), closed: false });
    handle.opens.add(id);
    return id;
  }

  addLock(open: LckOpen): SaLckLockIdT {
    const id = this.locks.add(open);
    open.locks.add(id);
    return id;
  }

  forgetLock(id: SaLckLockIdT): void {
    this.locks.get(id)?.locks.delete(id);
    this.locks.delete(id);
  }

  /** The locks and the queued callbacks of an open go with it. */
  forgetOpen(id: SaLckResourceHandleT): void {
    const open = this.opens.get(id);
    if (open === undefined) return;
    open.closed = true;
    for (const lock of open.locks) this.locks.delete(lock);
    open.handle.ais.dropCallbacks(open);
    open.handle.opens.delete(id);
    this.opens.delete(id);
  }

  forgetHandle(id: SaLckHandleT): void {
    for (const openId of this.handles.get(id)?.opens ?? []) {
      for (const lock of this.opens.get(openId)?.locks ?? []) this.#finalizedLocks.add(lock);
      this.forgetOpen(openId);
    }
    this.handles.delete(id);
    for (const lock of this.#finalizedLocks) {
      if (this.#finalizedLocks.size <= FINALIZED_LOCKS_KEPT) break;
      this.#finalizedLocks.delete(lock);
    }
  }

  /** Whether an unknown lock id belongs to a handle that was finalised, or to no handle at all. */
  wasFinalized(id: SaLckLockIdT): boolean {
    return this.handles.size === 0 || this.#finalizedLocks.has(id);
  }
}
