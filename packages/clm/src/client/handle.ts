/**
 * What is behind a handle of the literal layer: its generation, its callbacks, its subscription, and
 * whether it is stale, its node having been no member since (AIS B.0, UNAVAILABLE).
 */
import {
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  SA_DISPATCH_BLOCKING,
  SA_TIME_END,
  SA_TIME_UNKNOWN,
  type SaAisErrorT,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import type { AisHandle, Reply } from '@aisexec/ipc';
import type { ChangedEvent, ChangeStep, ViewReport } from '../protocol.ts';
import { withinTimeout } from './arguments.ts';
import {
  SA_CLM_CHANGE_ABORTED,
  SA_CLM_CHANGE_COMPLETED,
  SA_CLM_CHANGE_START,
  SA_CLM_CHANGE_VALIDATE,
  type SaClmChangeStepT,
} from './constants.ts';
import { type Generation, toBuffer } from './convert.ts';
import { TrackFeed } from './feed.ts';
import type { SaClmCallbacksT, SaClmCallbacksT_4 } from './literal-types.ts';

const STEPS: Readonly<Record<ChangeStep, SaClmChangeStepT>> = {
  validate: SA_CLM_CHANGE_VALIDATE,
  start: SA_CLM_CHANGE_START,
  aborted: SA_CLM_CHANGE_ABORTED,
  completed: SA_CLM_CHANGE_COMPLETED,
};

export interface ClmHandleOptions {
  readonly ais: AisHandle;
  readonly generation: Generation;
  readonly callbacks: SaClmCallbacksT & SaClmCallbacksT_4;
  readonly admission: bigint;
}

/** One `saClmInitialize`; also the owner of its track callbacks in the queue. */
export class ClmHandle {
  readonly ais: AisHandle;
  readonly generation: Generation;
  readonly callbacks: SaClmCallbacksT & SaClmCallbacksT_4;
  readonly feed: TrackFeed;
  readonly #admission: bigint;
  #isStale = false;
  #becomeStale: () => void = () => {};
  readonly #stale: Promise<void>;

  constructor({ ais, generation, callbacks, admission }: ClmHandleOptions) {
    this.ais = ais;
    this.generation = generation;
    this.callbacks = callbacks;
    this.#admission = admission;
    this.feed = new TrackFeed((event) => this.#changed(event));
    this.#stale = new Promise((resolve) => {
      this.#becomeStale = resolve;
    });
  }

  /** One request in the name of this handle's admission. */
  async ask(fn: string, argument: Readonly<Record<string, unknown>>): Promise<Reply> {
    const reply = await this.ais.request(fn, { ...argument, admission: this.#admission });
    if (reply.rc !== SA_AIS_ERR_UNAVAILABLE) return reply;
    // A subscriber is told by callback: what was queued before, and that, is still to be dispatched.
    if (!this.feed.active) this.#end();
    return { rc: this.staleCode };
  }

  /** OK, or why this handle is stale. Asks the executive, which answers from its own state. */
  async standing(): Promise<SaAisErrorT> {
    if (this.#isStale) return this.staleCode;
    const { rc } = await withinTimeout(this.ask('standing', {}), 0n);
    return rc === SA_AIS_ERR_TIMEOUT ? SA_AIS_OK : rc;
  }

  /** `saClmDispatch`: what is queued when the node ceases to be a member is still dispatched. */
  async dispatch(flags: SaDispatchFlagsT): Promise<SaAisErrorT> {
    await this.standing();
    if (this.#isStale) return this.staleCode;
    const dispatched = this.ais.dispatch(flags);
    if (flags !== SA_DISPATCH_BLOCKING) return dispatched;
    return Promise.race([dispatched, this.#stale.then(() => this.staleCode)]);
  }

  /** Queues a track callback: the current view, or a change. */
  queueTrack(view: ViewReport, event?: ChangedEvent): void {
    const callback = this.callbacks.saClmClusterTrackCallback;
    if (!callback) return;
    const step = event?.step ?? 'completed';
    const buffer = toBuffer(view, this.generation, step);
    const run = async (): Promise<void> => {
      await (this.generation === 1
        ? (callback as NonNullable<SaClmCallbacksT['saClmClusterTrackCallback']>)(
            buffer,
            view.memberCount,
            SA_AIS_OK,
          )
        : (callback as NonNullable<SaClmCallbacksT_4['saClmClusterTrackCallback']>)(
            buffer,
            view.memberCount,
            event?.invocation ?? 0n,
            event?.cause ?? null,
            null,
            STEPS[step],
            supervisionOf(event),
            SA_AIS_OK,
          ));
      if (event?.evicted === true) this.#end();
    };
    this.ais.enqueue({ priority: 0, owner: this, run });
  }

  stopTracking(): void {
    this.feed.end();
    this.ais.dropCallbacks(this);
  }

  /** What a call on a stale handle of this generation answers. */
  get staleCode(): SaAisErrorT {
    return this.generation === 1 ? SA_AIS_ERR_LIBRARY : SA_AIS_ERR_UNAVAILABLE;
  }

  #changed(event: ChangedEvent): void {
    this.queueTrack(event, event);
  }

  #end(): void {
    this.#isStale = true;
    this.feed.end();
    this.#becomeStale();
  }
}

/** UNKNOWN where no response is awaited, END where one is awaited without a limit. */
function supervisionOf(event: ChangedEvent | undefined): bigint {
  if (event === undefined || event.invocation === 0n) return SA_TIME_UNKNOWN;
  return event.timeSupervision ?? SA_TIME_END;
}
