/** One connection of the idiomatic layer: retries, deadlines, and who is told what the executive calls back. */
import { SA_AIS_ERR_LIBRARY, SA_AIS_OK, SaAisError, type SaAisErrorT } from '@aisexec/ais';
import {
  type AisHandle,
  type CallbackEvent,
  type CallOptions,
  type Deadline,
  deadlineOf,
  type FailedReopen,
  insist,
  type ReopenedEvent,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { REQUEST_WINDOW } from '../limits.ts';
import {
  CHECKPOINT_REPLACED,
  SECTION_CHANGED,
  SECTION_CHANGES_LOST,
  type SectionChangedCallback,
  type WatchRef,
} from '../protocol.ts';
import type { ChangeCounter } from './iteration.ts';
import { type Ask, releaseOpen } from './requests.ts';
import { RequestWindow } from './window.ts';

/** Told that a merge gave the checkpoint another content; `lost`: this open did not survive it. */
export type ReplacedListener = (event: { readonly lost: boolean }) => void;

/** What a session needs of a watch. */
interface WatchSink {
  push(event: SectionChangedCallback): void;
  gap(): void;
  end(lostBecause?: SaAisError): void;
}

export class Session {
  readonly handle: AisHandle;
  readonly retry: RetryOptions | false;
  readonly #window = new RequestWindow(REQUEST_WINDOW);
  readonly #listeners = new Map<bigint, ReplacedListener>();
  /** By open and serial. */
  readonly #watches = new Map<bigint, Map<number, WatchSink>>();
  #serials = 0;

  constructor(handle: AisHandle, retry: RetryOptions | false) {
    this.handle = handle;
    this.retry = retry;
    handle.onLost((reason, rc) => this.endWatches(new SaAisError(rc, 'saCkptDispatch', reason)));
  }

  /** How one call asks: every request of it is retried, and bounded by the deadline of the call. */
  asker(deadline: Deadline): Ask {
    return async (fn, request) => {
      const turn = this.#window.enter((waiting) => deadline.race(waiting));
      if (turn !== undefined) await turn;
      try {
        const ask = () => deadline.race(this.handle.request(fn, request));
        return await withRetry(ask, deadline, this.retry);
      } finally {
        this.#window.leave();
      }
    };
  }

  /** Runs a call whose answer has a result code. @throws SaAisError when that is not OK. */
  async call<R extends { readonly rc: SaAisErrorT; readonly erroneousVectorIndex?: unknown }>(
    name: string,
    options: CallOptions,
    run: (ask: Ask) => Promise<R>,
  ): Promise<R> {
    const answer = await run(this.asker(deadlineOf(options, name)));
    if (answer.rc === SA_AIS_OK) return answer;
    const index = answer.erroneousVectorIndex;
    throw new SaAisError(answer.rc, name, index === undefined ? '' : `element ${String(index)}`);
  }

  /** Closes an open, after everything that was asked for before. */
  async release(handle: bigint): Promise<void> {
    this.forget(handle);
    const turn = this.#window.enter((waiting) => waiting);
    if (turn !== undefined) await turn;
    await releaseOpen(this.handle, handle).finally(() => this.#window.leave());
  }

  listen(handle: bigint, listener: ReplacedListener): void {
    this.#listeners.set(handle, listener);
  }

  forget(handle: bigint): void {
    this.#listeners.delete(handle);
    const watches = this.#watches.get(handle);
    this.#watches.delete(handle);
    for (const watch of watches?.values() ?? []) watch.end();
  }

  nextSerial(): number {
    this.#serials++;
    return this.#serials;
  }

  addWatch(handle: bigint, serial: number, watch: WatchSink): void {
    const watches = this.#watches.get(handle) ?? new Map<number, WatchSink>();
    this.#watches.set(handle, watches.set(serial, watch));
  }

  /** @returns false when its open is closed already. */
  forgetWatch(handle: bigint, serial: number): boolean {
    return this.#watches.get(handle)?.delete(serial) ?? false;
  }

  /** Ends a watch whatever became of its request, which is ordered before this one. */
  async unwatch(handle: bigint, serial: number): Promise<void> {
    await insist(this.handle, 'unwatch', { handle, serial });
  }

  /** All watches end: without a reason the session is closed, with one the connection is lost. */
  endWatches(lostBecause?: SaAisError): void {
    for (const watches of this.#watches.values()) {
      for (const watch of watches.values()) watch.end(lostBecause);
    }
    this.#watches.clear();
  }

  /** The executive restarted: whatever changed meanwhile is missing in every watch. */
  gap(): void {
    for (const watches of this.#watches.values()) for (const watch of watches.values()) watch.gap();
  }

  /** Ends what could not be opened again after a restart. */
  endFailed(failed: readonly FailedReopen[]): ReopenedEvent['failed'] {
    return failed.map(({ argument, code }) => {
      const { handle, name = '' } = argument as { readonly handle: bigint; readonly name?: string };
      const lost = new SaAisError(SA_AIS_ERR_LIBRARY, 'saCkptDispatch', 'not opened again');
      for (const watch of this.#watches.get(handle)?.values() ?? []) watch.end(lost);
      this.forget(handle);
      return { name, code };
    });
  }

  onEvent(event: CallbackEvent): void {
    if (event.name === SECTION_CHANGED) {
      const change = event.payload as SectionChangedCallback;
      this.#watchOf(change)?.push(change);
    }
    if (event.name === SECTION_CHANGES_LOST) this.#watchOf(event.payload as WatchRef)?.gap();
    if (event.name !== CHECKPOINT_REPLACED) return;
    const { handle, lost } = event.payload as { handle: bigint; lost: boolean };
    this.#listeners.get(handle)?.({ lost });
  }

  #watchOf({ handle, serial }: WatchRef): WatchSink | undefined {
    return this.#watches.get(handle)?.get(serial);
  }
}

/** The open that a section belongs to. */
export interface SectionOwner extends ChangeCounter {
  readonly session: Session;
  readonly handle: bigint;
}
