/** Types of the literal layer: the AIS names, results and callbacks (AIS B.7). */
import type { Handle, SaAisErrorT, SaTimeT, SaVersionT } from '@aisexec/ais';
import type { ConnectOptions, SelectionObject } from '@aisexec/ipc';
import type { SaTmrTimerAttributesT } from '../protocol.ts';

export type SaTmrHandleT = Handle<'SaTmrHandleT'>;
export type SaTmrTimerIdT = Handle<'SaTmrTimerIdT'>;

/** Callbacks of one handle; they run in `saTmrDispatch` only. A missing one is null. */
export interface SaTmrCallbacksT {
  /**
   * `expirationCount` counts since the start of the timer. Expirations that nobody has dispatched yet are one
   * callback with the latest count.
   */
  readonly saTmrTimerExpiredCallback?:
    | ((
        timerId: SaTmrTimerIdT,
        timerData: unknown,
        expirationCount: bigint,
      ) => void | Promise<void>)
    | null
    | undefined;
}

export interface Rc {
  readonly rc: SaAisErrorT;
}

/** The literal layer; see {@link createSaTmr}. In-parameters in the order of the C functions. */
export interface SaTmr {
  /** @param connect not of the standard: where the executive is. */
  saTmrInitialize(
    timerCallbacks: SaTmrCallbacksT | null | undefined,
    version: SaVersionT | null | undefined,
    connect?: ConnectOptions,
  ): Promise<Rc & { readonly timerHandle?: SaTmrHandleT }>;
  saTmrSelectionObjectGet(
    timerHandle: SaTmrHandleT,
  ): Promise<Rc & { readonly selectionObject?: SelectionObject }>;
  saTmrDispatch(timerHandle: SaTmrHandleT, dispatchFlags: number): Promise<Rc>;
  saTmrFinalize(timerHandle: SaTmrHandleT): Promise<Rc>;
  /** @param timerData anything; the callback gets it back. It stays in this process. */
  saTmrTimerStart(
    timerHandle: SaTmrHandleT,
    timerAttributes: SaTmrTimerAttributesT | null | undefined,
    timerData: unknown,
  ): Promise<Rc & { readonly timerId?: SaTmrTimerIdT; readonly callTime?: SaTimeT }>;
  saTmrTimerReschedule(
    timerHandle: SaTmrHandleT,
    timerId: SaTmrTimerIdT,
    timerAttributes: SaTmrTimerAttributesT | null | undefined,
  ): Promise<Rc & { readonly callTime?: SaTimeT }>;
  saTmrTimerCancel(
    timerHandle: SaTmrHandleT,
    timerId: SaTmrTimerIdT,
  ): Promise<Rc & { readonly timerData?: unknown }>;
  /** The next expiration counts, but is not called back. Each call skips one more. */
  saTmrPeriodicTimerSkip(timerHandle: SaTmrHandleT, timerId: SaTmrTimerIdT): Promise<Rc>;
  saTmrTimerRemainingTimeGet(
    timerHandle: SaTmrHandleT,
    timerId: SaTmrTimerIdT,
  ): Promise<Rc & { readonly remainingTime?: SaTimeT }>;
  saTmrTimerAttributesGet(
    timerHandle: SaTmrHandleT,
    timerId: SaTmrTimerIdT,
  ): Promise<Rc & { readonly timerAttributes?: SaTmrTimerAttributesT }>;
  /** The executive's wall clock. */
  saTmrTimeGet(timerHandle: SaTmrHandleT): Promise<Rc & { readonly currentTime?: SaTimeT }>;
  /** What the executive's timers can tell apart. */
  saTmrClockTickGet(timerHandle: SaTmrHandleT): Promise<Rc & { readonly clockTick?: SaTimeT }>;
}
