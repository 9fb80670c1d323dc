/**
 * What the rows of the conformance table act on: a client on one node ("near"), the client that made the
 * objects on another ("far"), names of their own, and time. The same rows run over clusters in this process
 * and over real executives.
 */
import assert from 'node:assert/strict';
import { SA_DISPATCH_ALL, SA_TIME_END } from '@aisexec/ais';
import type { ConnectOptions } from '@aisexec/ipc';
import { ok, rowsFor, type TableRow } from '../../../../test/fixtures/ais-table.ts';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { createSaEvt } from '../client/literal.ts';
import type {
  SaEvt,
  SaEvtCallbacksT,
  SaEvtChannelHandleT,
  SaEvtEventFilterArrayT,
  SaEvtEventHandleT,
  SaEvtHandleT,
} from '../client/literal-types.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (data: Uint8Array): string => new TextDecoder().decode(data);
export const PUBLISHER = 1;
export const SUBSCRIBER = 2;
export const CREATE = 4;
export const ALL = PUBLISHER | SUBSCRIBER | CREATE;
export const SECOND = 1_000_000_000n;
export const passAll: SaEvtEventFilterArrayT = [{ filterType: 4, filter: null }];

export type Row = TableRow<SaEvt, Stage>;
export const row = rowsFor<SaEvt, Stage>();

/** Makes many calls, no more at a time than an executive takes from one client. */
export async function inTurns<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  while (answers.length < count) {
    const size = Math.min(100, count - answers.length);
    const start = answers.length;
    answers.push(...(await Promise.all(Array.from({ length: size }, (_, i) => call(start + i)))));
  }
  return answers;
}

export interface Delivered {
  readonly subscriptionId: number;
  readonly data: string;
  readonly id: bigint;
  readonly patterns: readonly string[];
  readonly event: SaEvtEventHandleT;
}

export interface Publication {
  readonly patterns?: readonly string[];
  readonly priority?: 0 | 1 | 2 | 3;
  readonly retention?: bigint;
}

/** One process with one handle, and what was delivered to it. */
export class Actor {
  readonly sa: SaEvt;
  readonly handle: SaEvtHandleT;
  readonly delivered: Delivered[];
  readonly opened: unknown[][];

  private constructor(sa: SaEvt, handle: SaEvtHandleT, logs: Pick<Actor, 'delivered' | 'opened'>) {
    this.sa = sa;
    this.handle = handle;
    this.delivered = logs.delivered;
    this.opened = logs.opened;
  }

  /** @param callbacks null for none; default: those that fill `delivered` and `opened`. */
  static async start(
    connect: ConnectOptions,
    majorVersion = 3,
    callbacks?: SaEvtCallbacksT | null,
  ): Promise<Actor> {
    const sa = createSaEvt();
    const delivered: Delivered[] = [];
    const opened: unknown[][] = [];
    const record: SaEvtCallbacksT = {
      saEvtChannelOpenCallback: (...args) => void opened.push(args),
      saEvtEventDeliverCallback: async (subscriptionId, event, size) => {
        const { eventData, eventDataSize } = ok(await sa.saEvtEventDataGet(event));
        const { eventId, patternArray } = ok(await sa.saEvtEventAttributesGet(event));
        assert.equal(eventDataSize, size);
        const patterns = (patternArray ?? []).map(textOf);
        const data = textOf(eventData ?? new Uint8Array(0));
        delivered.push({ subscriptionId, data, id: eventId ?? 0n, patterns, event });
      },
    };
    const version = { releaseCode: 'B', majorVersion, minorVersion: 1 };
    const given = callbacks === undefined ? record : callbacks;
    const { evtHandle } = ok(await sa.saEvtInitialize(given, version, connect));
    return new Actor(sa, evtHandle as SaEvtHandleT, { delivered, opened });
  }

  async open(name: string, flags = ALL): Promise<SaEvtChannelHandleT> {
    const answer = await this.sa.saEvtChannelOpen(this.handle, name, flags, SA_TIME_END);
    return ok(answer).channelHandle as SaEvtChannelHandleT;
  }

  async subscribe(
    channel: SaEvtChannelHandleT,
    id = 1,
    filters: SaEvtEventFilterArrayT = passAll,
  ): Promise<void> {
    ok(await this.sa.saEvtEventSubscribe(channel, filters, id));
  }

  async allocate(channel: SaEvtChannelHandleT): Promise<SaEvtEventHandleT> {
    return ok(await this.sa.saEvtEventAllocate(channel)).eventHandle as SaEvtEventHandleT;
  }

  /** @returns the event's id. */
  async publish(
    channel: SaEvtChannelHandleT,
    data: string,
    { patterns = [], priority = 3, retention = 0n }: Publication = {},
  ): Promise<bigint> {
    const event = await this.allocate(channel);
    const given = patterns.map(bytes);
    ok(await this.sa.saEvtEventAttributesSet(event, given, priority, retention, 'me'));
    const { eventId } = ok(await this.sa.saEvtEventPublish(event, bytes(data)));
    ok(await this.sa.saEvtEventFree(event));
    return eventId ?? 0n;
  }

  /** Dispatches until there are this many; takes them. */
  async deliveries(count: number): Promise<Delivered[]> {
    await this.#until(() => this.delivered.length >= count);
    return this.delivered.splice(0);
  }

  /** The data of the next deliveries. */
  async data(count: number): Promise<string[]> {
    return (await this.deliveries(count)).map(({ data }) => data);
  }

  /** Dispatches until an asynchronous open is answered. */
  async answer(): Promise<unknown[]> {
    await this.#until(() => this.opened.length > 0);
    return this.opened.shift() ?? [];
  }

  async finalize(): Promise<void> {
    await this.sa.saEvtFinalize(this.handle);
  }

  async #until(done: () => boolean): Promise<void> {
    const { selectionObject } = ok(await this.sa.saEvtSelectionObjectGet(this.handle));
    while (!done()) {
      await selectionObject?.ready();
      ok(await this.sa.saEvtDispatch(this.handle, SA_DISPATCH_ALL));
    }
  }
}

export interface StageOptions {
  readonly near: ConnectOptions;
  /** The node of `near`. */
  readonly node: number;
  readonly far: ConnectOptions;
  /** Lets this much time pass in the cluster. */
  readonly elapse: (ms: number) => Promise<void>;
  /** Unique in the cluster. */
  readonly name: string;
}

export class Stage {
  readonly #options: StageOptions;
  readonly #actors: Actor[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** A channel name that only this row uses. */
  get channel(): string {
    return this.#options.name;
  }

  get connect(): ConnectOptions {
    return this.#options.near;
  }

  /** Runs something while the near client's node is no member. */
  removed<T>(run: () => T | Promise<T>): Promise<T> {
    return whileRemoved(this.#options.near, this.#options.node, run);
  }

  elapse(ms: number): Promise<void> {
    return this.#options.elapse(ms);
  }

  near(majorVersion = 3, callbacks?: SaEvtCallbacksT | null): Promise<Actor> {
    return this.#start(this.#options.near, majorVersion, callbacks);
  }

  far(): Promise<Actor> {
    return this.#start(this.#options.far, 3, undefined);
  }

  /** A channel that a far client made and has open, opened by a near client, too. */
  async pair(flags = PUBLISHER | SUBSCRIBER): Promise<{
    readonly near: Actor;
    readonly far: Actor;
    readonly here: SaEvtChannelHandleT;
    readonly there: SaEvtChannelHandleT;
  }> {
    const [near, far] = [await this.near(), await this.far()];
    const there = await far.open(this.channel);
    return { near, far, there, here: await near.open(this.channel, flags) };
  }

  /** Gives everything back, so that rows can share a cluster. */
  async dispose(): Promise<void> {
    const [last] = this.#actors;
    for (const actor of this.#actors.slice(1)) await actor.finalize();
    await last?.sa.saEvtChannelUnlink(last.handle, this.channel);
    await last?.finalize();
  }

  async #start(
    connect: ConnectOptions,
    majorVersion: number,
    callbacks: SaEvtCallbacksT | null | undefined,
  ): Promise<Actor> {
    const actor = await Actor.start(connect, majorVersion, callbacks);
    this.#actors.push(actor);
    return actor;
  }
}
