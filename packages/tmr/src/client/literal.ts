/**
 * The literal AIS layer: every function of AIS TMR under its own name, with its result codes, over the same
 * requests as the idiomatic layer. AIS conditions are result codes; only a wrong JavaScript type throws, a
 * TypeError.
 */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import {
  bigintOf,
  expect64,
  expectCallbacks,
  expectTime,
  openHandle,
  type Reply,
} from '@aisexec/ipc';
import {
  areValid,
  EXPIRED,
  type ExpiredPayload,
  type SaTmrTimerAttributesT,
  TMR_SERVICE_NAME,
  TMR_VERSIONS,
} from '../protocol.ts';
import { attributesOf } from './calls.ts';
import { type TmrHandle, TmrTables, type TmrTimer } from './handles.ts';
import type { Rc, SaTmr, SaTmrHandleT, SaTmrTimerIdT } from './literal-types.ts';

/** Makes one set of the AIS functions with handle tables of its own. */
export function createSaTmr(): SaTmr {
  const tables = new TmrTables();
  const handleOf = (handle: bigint) => tables.handles.get(expect64('timerHandle', handle));

  /** A request about one timer of a handle. */
  async function onTimer<R extends object>(
    timerHandle: SaTmrHandleT,
    timerId: SaTmrTimerIdT,
    fn: string,
    run: (reply: Reply, timer: TmrTimer) => R,
  ): Promise<Rc & Partial<R>> {
    const handle = handleOf(timerHandle);
    expect64('timerId', timerId);
    if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE } as Rc & Partial<R>;
    const timer = tables.timerOf(handle, timerId);
    if (timer === undefined) return { rc: SA_AIS_ERR_NOT_EXIST } as Rc & Partial<R>;
    const reply = ofWaiting(await handle.ais.request(fn, { id: timerId }), fn, timer);
    if (reply.rc !== SA_AIS_OK) return { rc: reply.rc } as Rc & Partial<R>;
    return { rc: SA_AIS_OK, ...run(reply, timer) };
  }

  return {
    async saTmrInitialize(timerCallbacks, version, connect) {
      const callbacks = expectCallbacks(timerCallbacks);
      const opened = await openHandle({
        service: TMR_SERVICE_NAME,
        supported: TMR_VERSIONS,
        version,
        connect,
        onEvent: ({ name, payload }) => {
          if (name === EXPIRED) tables.expired(payload as ExpiredPayload);
        },
      });
      if (opened.handle === undefined) return { rc: opened.rc };
      const handle: TmrHandle = { ais: opened.handle, callbacks, timers: new Set() };
      return { rc: SA_AIS_OK, timerHandle: tables.handles.add(handle) };
    },

    async saTmrSelectionObjectGet(timerHandle) {
      const handle = handleOf(timerHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: SA_AIS_OK, selectionObject: handle.ais.selectionObject() };
    },

    async saTmrDispatch(timerHandle, dispatchFlags) {
      const handle = handleOf(timerHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.ais.dispatch(dispatchFlags as SaDispatchFlagsT) };
    },

    async saTmrFinalize(timerHandle) {
      const handle = handleOf(timerHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      tables.forgetHandle(timerHandle);
      return { rc: await handle.ais.finalize() };
    },

    async saTmrTimerStart(timerHandle, timerAttributes, timerData) {
      const handle = handleOf(timerHandle);
      const attributes = checkAttributes(timerAttributes);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (attributes === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (!handle.callbacks.saTmrTimerExpiredCallback) return { rc: SA_AIS_ERR_INIT };
      const timerId = tables.addTimer(handle, attributes, timerData);
      const reply = await handle.ais.request('start', { id: timerId, attributes });
      if (reply.rc !== SA_AIS_OK) {
        tables.forgetTimer(timerId);
        return { rc: reply.rc };
      }
      return { rc: SA_AIS_OK, timerId, callTime: bigintOf(reply['callTime']) };
    },

    async saTmrTimerReschedule(timerHandle, timerId, timerAttributes) {
      const handle = handleOf(timerHandle);
      expect64('timerId', timerId);
      const attributes = checkAttributes(timerAttributes);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (attributes === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const timer = tables.timerOf(handle, timerId);
      if (timer === undefined) return { rc: SA_AIS_ERR_NOT_EXIST };
      const request = { id: timerId, attributes };
      let reply = await handle.ais.request('reschedule', request);
      if (reply.rc === SA_AIS_ERR_NOT_EXIST && timer.waiting !== undefined) {
        if (attributes.timerPeriodDuration > 0n) return { rc: SA_AIS_ERR_INVALID_PARAM };
        // Expired, and its callback not called yet: it starts anew instead.
        tables.drop(timer);
        reply = await handle.ais.request('start', request);
      }
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      timer.attributes = attributes;
      return { rc: SA_AIS_OK, callTime: bigintOf(reply['callTime']) };
    },

    async saTmrTimerCancel(timerHandle, timerId) {
      return onTimer(timerHandle, timerId, 'cancel', (_reply, { data }) => {
        tables.forgetTimer(timerId);
        return { timerData: data };
      });
    },

    async saTmrPeriodicTimerSkip(timerHandle, timerId) {
      return onTimer(timerHandle, timerId, 'skip', () => ({}));
    },

    async saTmrTimerRemainingTimeGet(timerHandle, timerId) {
      return onTimer(timerHandle, timerId, 'get', ({ remaining }) => ({
        remainingTime: bigintOf(remaining),
      }));
    },

    async saTmrTimerAttributesGet(timerHandle, timerId) {
      return onTimer(timerHandle, timerId, 'get', ({ attributes }) => ({
        timerAttributes: attributesOf(attributes),
      }));
    },

    async saTmrTimeGet(timerHandle) {
      const handle = handleOf(timerHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const reply = await handle.ais.request('time', null);
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, currentTime: bigintOf(reply['time']) };
    },

    async saTmrClockTickGet(timerHandle) {
      const handle = handleOf(timerHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const reply = await handle.ais.request('time', null);
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, clockTick: bigintOf(reply['tick']) };
    },
  };
}

/** undefined: INVALID_PARAM. @throws TypeError for times that are no bigints. */
function checkAttributes(
  attributes: SaTmrTimerAttributesT | null | undefined,
): SaTmrTimerAttributesT | undefined {
  if (attributes === null || attributes === undefined) return undefined;
  const { type, initialExpirationTime, timerPeriodDuration } = attributes;
  expectTime('initialExpirationTime', initialExpirationTime);
  expectTime('timerPeriodDuration', timerPeriodDuration);
  const copy = { type, initialExpirationTime, timerPeriodDuration };
  return areValid(copy) ? copy : undefined;
}

/**
 * To the executive a single-shot timer ends with its expiration, to the application with its callback. In
 * between the answer is given here.
 */
function ofWaiting(reply: Reply, fn: string, timer: TmrTimer): Reply {
  const isWaiting = reply.rc === SA_AIS_ERR_NOT_EXIST && timer.waiting !== undefined;
  if (!isWaiting || fn === 'skip') return reply;
  return { rc: SA_AIS_OK, attributes: timer.attributes, remaining: 0n };
}
