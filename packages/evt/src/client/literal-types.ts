/** Types of the literal layer: the AIS names, results and callbacks (AIS B.2). */
import type {
  Handle,
  SaAisErrorT,
  SaDispatchFlagsT,
  SaInvocationT,
  SaLimitValueT,
  SaTimeT,
  SaVersionT,
} from '@aisexec/ais';
import type { ConnectOptions, SelectionObject } from '@aisexec/ipc';
import type { SaEvtEventFilterTypeT, SaEvtEventPriorityT, SaEvtLimitIdT } from '../protocol.ts';

export type SaEvtHandleT = Handle<'SaEvtHandleT'>;
export type SaEvtChannelHandleT = Handle<'SaEvtChannelHandleT'>;
export type SaEvtEventHandleT = Handle<'SaEvtEventHandleT'>;
export type SaEvtEventIdT = bigint;
/** 32 bits, chosen by the application, unique within one open of a channel. */
export type SaEvtSubscriptionIdT = number;
/** Bits: `SA_EVT_CHANNEL_PUBLISHER`, `SA_EVT_CHANNEL_SUBSCRIBER`, `SA_EVT_CHANNEL_CREATE`. */
export type SaEvtChannelOpenFlagsT = number;
export type SaEvtEventPatternT = Uint8Array;
export type SaEvtEventPatternArrayT = readonly SaEvtEventPatternT[];

export interface SaEvtEventFilterT {
  readonly filterType: SaEvtEventFilterTypeT;
  /** Null counts as empty. */
  readonly filter: SaEvtEventPatternT | null;
}
export type SaEvtEventFilterArrayT = readonly SaEvtEventFilterT[];

type Callback<Arguments extends unknown[]> =
  | ((...args: Arguments) => void | Promise<void>)
  | null
  | undefined;

/** Callbacks of one handle; they run in `saEvtDispatch` only. A missing one is null. */
export interface SaEvtCallbacksT {
  /** `channelHandle` is 0n unless `error` is OK. */
  readonly saEvtChannelOpenCallback?: Callback<
    [invocation: SaInvocationT, channelHandle: SaEvtChannelHandleT, error: SaAisErrorT]
  >;
  readonly saEvtEventDeliverCallback?: Callback<
    [subscriptionId: SaEvtSubscriptionIdT, eventHandle: SaEvtEventHandleT, eventDataSize: number]
  >;
}

export interface Result {
  readonly rc: SaAisErrorT;
}
/** `rc` and, when it is OK, the out-parameters. */
export type ResultWith<Out> = Result & { readonly [K in keyof Out]?: Out[K] };

export interface AttributesOut {
  readonly patternArray: Uint8Array[];
  readonly priority: SaEvtEventPriorityT;
  readonly retentionTime: SaTimeT;
  readonly publisherName: string;
  /** SA_TIME_UNKNOWN for an event that was allocated here. */
  readonly publishTime: SaTimeT;
  readonly eventId: SaEvtEventIdT;
}

/** Every function of AIS EVT. A handle that is no bigint throws TypeError; AIS conditions are `rc`. */
export interface SaEvt {
  saEvtInitialize(
    callbacks: SaEvtCallbacksT | null | undefined,
    version: SaVersionT | null | undefined,
    connect?: ConnectOptions,
  ): Promise<ResultWith<{ evtHandle: SaEvtHandleT }>>;
  saEvtSelectionObjectGet(
    evtHandle: SaEvtHandleT,
  ): Promise<ResultWith<{ selectionObject: SelectionObject }>>;
  saEvtDispatch(evtHandle: SaEvtHandleT, dispatchFlags: SaDispatchFlagsT): Promise<Result>;
  saEvtFinalize(evtHandle: SaEvtHandleT): Promise<Result>;
  saEvtChannelOpen(
    evtHandle: SaEvtHandleT,
    channelName: string | null | undefined,
    channelOpenFlags: SaEvtChannelOpenFlagsT,
    timeout: SaTimeT,
  ): Promise<ResultWith<{ channelHandle: SaEvtChannelHandleT }>>;
  saEvtChannelOpenAsync(
    evtHandle: SaEvtHandleT,
    invocation: SaInvocationT,
    channelName: string | null | undefined,
    channelOpenFlags: SaEvtChannelOpenFlagsT,
  ): Promise<Result>;
  saEvtChannelClose(channelHandle: SaEvtChannelHandleT): Promise<Result>;
  saEvtChannelUnlink(
    evtHandle: SaEvtHandleT,
    channelName: string | null | undefined,
  ): Promise<Result>;
  saEvtEventAllocate(
    channelHandle: SaEvtChannelHandleT,
  ): Promise<ResultWith<{ eventHandle: SaEvtEventHandleT }>>;
  saEvtEventFree(eventHandle: SaEvtEventHandleT): Promise<Result>;
  /** A null `patternArray` or `publisherName` leaves what is set. */
  saEvtEventAttributesSet(
    eventHandle: SaEvtEventHandleT,
    patternArray: SaEvtEventPatternArrayT | null | undefined,
    priority: SaEvtEventPriorityT,
    retentionTime: SaTimeT,
    publisherName: string | null | undefined,
  ): Promise<Result>;
  saEvtEventAttributesGet(eventHandle: SaEvtEventHandleT): Promise<ResultWith<AttributesOut>>;
  /** For ported code: checks its arguments and does nothing. B.03. */
  saEvtEventPatternFree(
    eventHandle: SaEvtEventHandleT,
    patterns: SaEvtEventPatternArrayT | null | undefined,
  ): Promise<Result>;
  /**
   * Without a buffer the result holds the data. With one it is filled; one that is too small, or null, is
   * NO_SPACE with the size that is needed.
   */
  saEvtEventDataGet(
    eventHandle: SaEvtEventHandleT,
    eventData?: Uint8Array | null,
  ): Promise<ResultWith<{ eventData: Uint8Array; eventDataSize: number }>>;
  /** Resolves when the event has its place in the total order. Calls may overlap; their order counts. */
  saEvtEventPublish(
    eventHandle: SaEvtEventHandleT,
    eventData: Uint8Array | null | undefined,
  ): Promise<ResultWith<{ eventId: SaEvtEventIdT }>>;
  saEvtEventSubscribe(
    channelHandle: SaEvtChannelHandleT,
    filters: SaEvtEventFilterArrayT | null | undefined,
    subscriptionId: SaEvtSubscriptionIdT,
  ): Promise<Result>;
  saEvtEventUnsubscribe(
    channelHandle: SaEvtChannelHandleT,
    subscriptionId: SaEvtSubscriptionIdT,
  ): Promise<Result>;
  saEvtEventRetentionTimeClear(
    channelHandle: SaEvtChannelHandleT,
    eventId: SaEvtEventIdT,
  ): Promise<Result>;
  /** B.03. */
  saEvtLimitGet(
    evtHandle: SaEvtHandleT,
    limitId: SaEvtLimitIdT,
  ): Promise<ResultWith<{ limitValue: SaLimitValueT }>>;
}
