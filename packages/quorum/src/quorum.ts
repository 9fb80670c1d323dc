/**
 * Whether this part of the cluster may act:
 *
 *     await using quorum = await Quorum.connect();
 *     const { quorate, votes, needed } = await quorum.info();
 *     for await (const change of quorum.track()) …
 */
import { SA_AIS_ERR_LIBRARY, SA_DISPATCH_ONE, SaAisError } from '@aisexec/ais';
import {
  type AisHandle,
  type CallbackEvent,
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  deadlineOf,
  okOrThrow,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { QUORUM_SERVICE, type QuorumInfo, VERSION } from './protocol.ts';

export interface QuorumOptions extends ConnectOptions, CallOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

export class Quorum implements AsyncDisposable {
  readonly #handle: AisHandle;
  readonly #retry: RetryOptions | false;
  /** The latest that no iterator has given yet: who is slow misses what lies between. */
  #latest: QuorumInfo | undefined;
  #tracking = false;
  #lost: SaAisError | undefined;

  private constructor(handle: AisHandle, retry: RetryOptions | false) {
    this.#handle = handle;
    this.#retry = retry;
    handle.onLost((reason) => {
      this.#lost = new SaAisError(SA_AIS_ERR_LIBRARY, 'quorum track', reason);
    });
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT no executive answers, ACCESS it does not serve this user. */
  static async connect(options: QuorumOptions = {}): Promise<Quorum> {
    const { retry = {} } = options;
    const call = 'quorum connect';
    let receive: ((event: CallbackEvent) => void) | undefined;
    const handle = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: QUORUM_SERVICE,
      supported: [VERSION],
      version: { ...VERSION },
      onEvent: (event, opened) => opened.enqueue({ priority: 0, run: () => receive?.(event) }),
    });
    const quorum = new Quorum(handle, retry);
    receive = ({ payload }) => {
      quorum.#latest = payload as QuorumInfo;
    };
    return quorum;
  }

  /** The condition now; answers without quorum and while the ring forms. @throws SaAisError, AbortError */
  async info(options: CallOptions = {}): Promise<QuorumInfo> {
    return await this.#ask('getinfo', options);
  }

  /**
   * The condition now, and after every change of it. Of several changes between two reads the last one is given.
   * One iteration at a time; ends after `close`. @throws AbortError, SaAisError LIBRARY when the executive is gone.
   */
  async *track(options: CallOptions = {}): AsyncGenerator<QuorumInfo, void, undefined> {
    if (this.#tracking) throw new TypeError('this connection tracks already: open another');
    this.#tracking = true;
    try {
      this.#latest = undefined;
      yield await this.#ask('track', options);
      const deadline = deadlineOf(options, 'quorum track');
      while (!this.#handle.finalized) {
        deadline.check();
        const latest = this.#latest;
        this.#latest = undefined;
        if (latest !== undefined) yield latest;
        else {
          await deadline.race(this.#handle.selectionObject().ready());
          if (this.#lost !== undefined) throw this.#lost;
          await this.#handle.dispatch(SA_DISPATCH_ONE);
        }
      }
    } finally {
      this.#tracking = false;
      if (!this.#handle.finalized && this.#lost === undefined) await this.#ask('trackStop', {});
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#handle.finalize();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether this connection keeps the process alive; it does at first. */
  ref(): void {
    this.#handle.selectionObject().ref();
  }

  unref(): void {
    this.#handle.selectionObject().unref();
  }

  async #ask(fn: string, options: CallOptions): Promise<QuorumInfo> {
    const call = `quorum ${fn}`;
    const deadline = deadlineOf(options, call);
    const ask = () => deadline.race(this.#handle.request(fn, {}));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call)['info'] as QuorumInfo;
  }
}
