/** What is behind the 64-bit numbers of the literal layer: handles and timers of one process. */
import type { HandleTable } from '@aisexec/ais';
import { type AisHandle, createHandleTable } from '@aisexec/ipc';
import type { ExpiredPayload, SaTmrTimerAttributesT } from '../protocol.ts';
import type { SaTmrCallbacksT, SaTmrHandleT, SaTmrTimerIdT } from './literal-types.ts';

/** One `saTmrInitialize`. */
export interface TmrHandle {
  readonly ais: AisHandle;
  readonly callbacks: SaTmrCallbacksT;
  readonly timers: Set<SaTmrTimerIdT>;
}

/** One timer; also the owner of its callback in the queue. */
export interface TmrTimer {
  readonly handle: TmrHandle;
  readonly data: unknown;
  attributes: SaTmrTimerAttributesT;
  /** The latest expiration that waits for dispatch: further ones only raise its count. */
  waiting: bigint | undefined;
}

export class TmrTables {
  readonly handles: HandleTable<'SaTmrHandleT', TmrHandle> = createHandleTable();
  readonly timers: HandleTable<'SaTmrTimerIdT', TmrTimer> = createHandleTable();

  addTimer(handle: TmrHandle, attributes: SaTmrTimerAttributesT, data: unknown): SaTmrTimerIdT {
    const id = this.timers.add({ handle, attributes, data, waiting: undefined });
    handle.timers.add(id);
    return id;
  }

  /** The handle's timer: ids of other handles are unknown to it. */
  timerOf(handle: TmrHandle, id: SaTmrTimerIdT): TmrTimer | undefined {
    return handle.timers.has(id) ? this.timers.get(id) : undefined;
  }

  /** Its queued callback goes with it. */
  forgetTimer(id: SaTmrTimerIdT): void {
    const timer = this.timers.get(id);
    if (timer === undefined) return;
    this.timers.delete(id);
    timer.handle.timers.delete(id);
    this.drop(timer);
  }

  drop(timer: TmrTimer): void {
    timer.waiting = undefined;
    timer.handle.ais.dropCallbacks(timer);
  }

  forgetHandle(id: SaTmrHandleT): void {
    for (const timer of this.handles.get(id)?.timers ?? []) this.forgetTimer(timer);
    this.handles.delete(id);
  }

  /**
   * An expiration: at most one callback of a timer waits, with the latest count. A single-shot timer ceases to
   * exist when its callback is called (AIS B.7), not before.
   */
  expired({ id, count }: ExpiredPayload): void {
    const timerId = id as SaTmrTimerIdT;
    const timer = this.timers.get(timerId);
    const callback = timer?.handle.callbacks.saTmrTimerExpiredCallback;
    if (timer === undefined || !callback) return;
    const isQueued = timer.waiting !== undefined;
    timer.waiting = count;
    if (isQueued) return;
    const run = () => {
      const latest = timer.waiting ?? count;
      timer.waiting = undefined;
      if (timer.attributes.timerPeriodDuration === 0n) this.forgetTimer(timerId);
      return callback(timerId, timer.data, latest);
    };
    timer.handle.ais.enqueue({ priority: 0, owner: timer, run });
  }
}
