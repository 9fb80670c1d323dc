/**
 * What the rows of the conformance table act on: a client, and time. The same rows run over a cluster in this
 * process and over real executives.
 */
import { SA_DISPATCH_ALL } from '@aisexec/ais';
import type { ConnectOptions } from '@aisexec/ipc';
import { ok, rowsFor, type TableRow } from '../../../../test/fixtures/ais-table.ts';
import { createSaTmr } from '../client/literal.ts';
import type {
  SaTmr,
  SaTmrCallbacksT,
  SaTmrHandleT,
  SaTmrTimerIdT,
} from '../client/literal-types.ts';
import type { SaTmrTimerAttributesT } from '../protocol.ts';

export const MS = 1_000_000n;
/** Long enough that it does not expire while a row runs. */
export const LONG = 3_600_000n * MS;

export type Row = TableRow<SaTmr, Stage>;
export const row = rowsFor<SaTmr, Stage>();

export const after = (initialExpirationTime: bigint, timerPeriodDuration = 0n) =>
  ({ type: 2, initialExpirationTime, timerPeriodDuration }) as const;
export const at = (initialExpirationTime: bigint, timerPeriodDuration = 0n) =>
  ({ type: 1, initialExpirationTime, timerPeriodDuration }) as const;

export interface Expired {
  readonly timer: SaTmrTimerIdT;
  readonly data: unknown;
  readonly count: bigint;
}

/** One process with one handle, and what expired in it. */
export class Actor {
  readonly sa: SaTmr = createSaTmr();
  readonly expired: Expired[] = [];
  handle = 0n as SaTmrHandleT;

  /** @param callbacks null for none; default: one that fills `expired`. */
  static async start(connect: ConnectOptions, callbacks?: SaTmrCallbacksT | null): Promise<Actor> {
    const actor = new Actor();
    const record: SaTmrCallbacksT = {
      saTmrTimerExpiredCallback: (timer, data, count) =>
        void actor.expired.push({ timer, data, count }),
    };
    const version = { releaseCode: 'A', majorVersion: 1, minorVersion: 1 };
    const given = callbacks === undefined ? record : callbacks;
    const { timerHandle } = ok(await actor.sa.saTmrInitialize(given, version, connect));
    actor.handle = timerHandle as SaTmrHandleT;
    return actor;
  }

  async timer(attributes: SaTmrTimerAttributesT, data: unknown = 'data'): Promise<SaTmrTimerIdT> {
    const answer = await this.sa.saTmrTimerStart(this.handle, attributes, data);
    return ok(answer).timerId as SaTmrTimerIdT;
  }

  /** A callback is queued. */
  async ready(): Promise<void> {
    const { selectionObject } = ok(await this.sa.saTmrSelectionObjectGet(this.handle));
    await selectionObject?.ready();
  }

  async dispatch(): Promise<void> {
    ok(await this.sa.saTmrDispatch(this.handle, SA_DISPATCH_ALL));
  }

  async now(): Promise<bigint> {
    return ok(await this.sa.saTmrTimeGet(this.handle)).currentTime as bigint;
  }
}

export interface StageOptions {
  readonly connect: ConnectOptions;
  /** Lets at least this much time pass at the executive. */
  readonly elapse: (ms: number) => Promise<void>;
}

export class Stage {
  readonly #options: StageOptions;
  readonly #actors: Actor[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
  }

  get connect(): ConnectOptions {
    return this.#options.connect;
  }

  elapse(ms: number): Promise<void> {
    return this.#options.elapse(ms);
  }

  async actor(callbacks?: SaTmrCallbacksT | null): Promise<Actor> {
    const actor = await Actor.start(this.connect, callbacks);
    this.#actors.push(actor);
    return actor;
  }

  /** A timer that has expired; its callback is queued and not called yet. */
  async expired(data?: unknown): Promise<{ readonly actor: Actor; readonly id: SaTmrTimerIdT }> {
    const actor = await this.actor();
    const id = await actor.timer(after(MS), data);
    await this.elapse(1);
    await actor.ready();
    return { actor, id };
  }

  async dispose(): Promise<void> {
    for (const { sa, handle } of this.#actors) await sa.saTmrFinalize(handle);
  }
}
