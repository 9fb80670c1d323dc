/**
 * A connection that is opened anew when its executive has restarted (ADR 0167): what the binding had opened is
 * asked for again under the same handles, in the same order. Calls in flight are LIBRARY as ever, reads and those made
 * meanwhile TRY_AGAIN, and the binding is told twice: when the session is gone, so that it can mark what is
 * missing, and when all is open again.
 */
import {
  isSaAisError,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { RETRY_BASE_MS, RETRY_WAIT_MAX_MS } from '../limits.ts';
import type { CallbackEvent, ClientConnection, Connector, Reply } from './contract.ts';
import { deadlineOf, withRetry } from './retry.ts';

/** What the application is told, once for each restart. */
export interface ReopenedEvent {
  /** Why the former session ended. */
  readonly reason: string;
  /** What could not be opened again, e.g. a channel that was not made with `create`; using it is BAD_HANDLE. */
  readonly failed: readonly { readonly name: string; readonly code: SaAisErrorT }[];
}

export type ReopenListener = (event: ReopenedEvent) => void;

export interface ReopenOptions {
  /**
   * Open again by itself, for as long as it takes, when the executive has restarted; a function is told of it.
   * Otherwise the handle is lost. Locks are never taken again.
   */
  readonly reopen?: true | ReopenListener;
}

/** What a request means for the journal of what is open. */
export type JournalNote =
  /** To be asked again, with what it belongs to. */
  | { readonly keep: string; readonly under?: string }
  /** Not any more, nor what belongs to it. */
  | { readonly drop: string }
  /** A read: one that was cut is TRY_AGAIN, since asking it twice does no harm. */
  | { readonly isRead: true };

export interface ReopenPlan {
  readonly note: (fn: string, argument: unknown) => JournalNote | undefined;
  /** The session is gone; what comes from here on is of the next one. */
  readonly cut: () => void;
  /** All is open again, but for these requests. */
  readonly reopened: (reason: string, failed: readonly FailedReopen[]) => void;
}

export interface FailedReopen {
  readonly fn: string;
  readonly argument: unknown;
  readonly code: SaAisErrorT;
}

interface Entry {
  readonly fn: string;
  readonly argument: unknown;
  readonly under: string | undefined;
  /** The executive has said OK. */
  isOpen: boolean;
}

/** Connects to the executive that has taken the place of the former one. */
interface Again {
  connect(): Promise<ClientConnection>;
}

/** The same connector, whose connections are opened anew. */
export function reopeningConnector(connector: Connector, plan: ReopenPlan): Connector {
  return {
    connect: async (service, errand = {}) => {
      const inner = await connector.connect(service, errand);
      const again = { connect: () => connector.connect(service, { ...errand, returning: true }) };
      return new ReopeningConnection(again, plan, inner);
    },
  };
}

class ReopeningConnection implements ClientConnection {
  readonly #again: Again;
  readonly #plan: ReopenPlan;
  readonly #journal = new Map<string, Entry>();
  readonly #closed = new AbortController();
  /** The session that calls go to; undefined while there is none. */
  #inner: ClientConnection | undefined;
  #isHeld = false;
  #isReferenced = true;
  #lostReason: string | undefined;
  #onCallback: ((event: CallbackEvent) => void) | undefined;
  #onLost: ((reason: string) => void) | undefined;

  constructor(again: Again, plan: ReopenPlan, inner: ClientConnection) {
    this.#again = again;
    this.#plan = plan;
    this.#inner = inner;
    inner.onLost((reason) => void this.#reopen(reason));
  }

  async request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#closed.signal.aborted) return { rc: SA_AIS_ERR_BAD_HANDLE };
    const note = this.#plan.note(fn, argument);
    if (note !== undefined && 'drop' in note) this.#drop(note.drop);
    const inner = this.#inner;
    if (inner === undefined) return { rc: SA_AIS_ERR_TRY_AGAIN };
    if (note === undefined || 'drop' in note) return inner.request(fn, argument);
    if ('isRead' in note) {
      const reply = await inner.request(fn, argument);
      return reply.rc === SA_AIS_ERR_LIBRARY ? { rc: SA_AIS_ERR_TRY_AGAIN } : reply;
    }
    const entry: Entry = { fn, argument, under: note.under, isOpen: false };
    this.#journal.set(note.keep, entry);
    const reply = await inner.request(fn, argument);
    if (this.#journal.get(note.keep) === entry) {
      if (reply.rc === SA_AIS_OK) entry.isOpen = true;
      else this.#journal.delete(note.keep);
    }
    return reply;
  }

  onCallback(listener: (event: CallbackEvent) => void): void {
    this.#onCallback = listener;
    this.#inner?.onCallback(listener);
  }

  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
    this.#tellLost();
  }

  hold(on: boolean): void {
    this.#isHeld = on;
    this.#inner?.hold(on);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#inner?.close();
  }

  ref(): void {
    this.#isReferenced = true;
    this.#inner?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#inner?.unref();
  }

  #drop(key: string): void {
    this.#journal.delete(key);
    for (const [other, { under }] of this.#journal) if (under === key) this.#journal.delete(other);
  }

  async #reopen(reason: string): Promise<void> {
    this.#inner = undefined;
    this.#plan.cut();
    // What was asked for and not answered is in doubt, and its caller is told so.
    for (const [key, entry] of this.#journal) if (!entry.isOpen) this.#journal.delete(key);
    const opened = await this.#openAgain();
    if (opened === undefined) return;
    const { inner, failed } = opened;
    if (this.#closed.signal.aborted) await inner.close();
    // An exception of the application's own listener is the application's.
    else this.#plan.reopened(reason, failed);
  }

  /** Tries for as long as it takes. @returns undefined when it is closed, or refused for good. */
  async #openAgain(): Promise<
    { readonly inner: ClientConnection; readonly failed: readonly FailedReopen[] } | undefined
  > {
    for (let attempt = 1; !this.#closed.signal.aborted; attempt++) {
      try {
        const inner = await this.#again.connect();
        const failed = await this.#replay(inner);
        if (failed !== undefined) return { inner, failed };
      } catch (error) {
        const isAbsent =
          isSaAisError(error, SA_AIS_ERR_TRY_AGAIN) || isSaAisError(error, SA_AIS_ERR_TIMEOUT);
        if (!isAbsent) {
          this.#lose(error instanceof Error ? error.message : String(error));
          return undefined;
        }
      }
      await this.#pause(attempt);
    }
    return undefined;
  }

  /** @returns what could not be opened again; undefined when this session, too, is gone. */
  async #replay(inner: ClientConnection): Promise<readonly FailedReopen[] | undefined> {
    let isLost = false;
    let isServing = false;
    inner.onLost((reason) => {
      isLost = true;
      if (isServing) void this.#reopen(reason);
    });
    if (!this.#isReferenced) inner.unref();
    if (this.#isHeld) inner.hold(true);
    if (this.#onCallback !== undefined) inner.onCallback(this.#onCallback);
    const failed: FailedReopen[] = [];
    for (const [key, { fn, argument }] of this.#journal) {
      const retry = { totalMs: Number.POSITIVE_INFINITY };
      const ask = () => inner.request(fn, argument);
      const { rc } = await withRetry(ask, deadlineOf({ signal: this.#closed.signal }, fn), retry)
        // Closed meanwhile.
        .catch((): Reply => ({ rc: SA_AIS_ERR_LIBRARY }));
      if (isLost) return undefined;
      if (this.#closed.signal.aborted) break;
      if (rc === SA_AIS_OK) continue;
      failed.push({ fn, argument, code: rc });
      this.#drop(key);
    }
    isServing = true;
    this.#inner = inner;
    return failed;
  }

  #pause(attempt: number): Promise<void> {
    const waitMs = Math.random() * Math.min(RETRY_WAIT_MAX_MS, RETRY_BASE_MS * 2 ** attempt);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      if (!this.#isReferenced) timer.unref();
    });
  }

  #lose(reason: string): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#lostReason = reason;
    this.#tellLost();
  }

  #tellLost(): void {
    const reason = this.#lostReason;
    const listener = this.#onLost;
    if (reason === undefined || listener === undefined) return;
    this.#onLost = undefined;
    queueMicrotask(() => listener(reason));
  }
}
