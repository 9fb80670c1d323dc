/**
 * The literal AIS layer: every function of AIS EVT under its own name, with its result codes, over the
 * same requests as the idiomatic layer. AIS conditions are result codes; only a wrong JavaScript type
 * throws, a TypeError.
 */
import {
  isSaName,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_TIME_UNKNOWN,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  bigintOf,
  expect64,
  expectBytes,
  expectCallbacks,
  expectName,
  expectNumber,
  expectTime,
  openHandle,
  type Reply,
  withinTimeout,
} from '@aisexec/ipc';
import {
  EVENT_ID_RESERVED_MAX,
  EVT_SERVICE_NAME,
  EVT_VERSIONS,
  type OpenRequest,
  SA_EVT_CHANNEL_CREATE,
  SA_EVT_CHANNEL_PUBLISHER,
  SA_EVT_CHANNEL_SUBSCRIBER,
  SA_EVT_EVENTID_NONE,
  SA_EVT_LOWEST_PRIORITY,
} from '../protocol.ts';
import {
  checkAttributes,
  checkData,
  checkFilters,
  isSubscriptionId,
  releaseOpen,
} from './calls.ts';
import { type EvtEvent, type EvtHandle, type EvtOpen, EvtTables, reassign } from './handles.ts';
import { expectPattern, filtersOf, limitName } from './literal-arguments.ts';
import { onEvent } from './literal-events.ts';
import type { SaEvt, SaEvtChannelHandleT } from './literal-types.ts';

const EMPTY = new Uint8Array(0);

/** Makes one set of the AIS functions with handle tables of its own. */
export function createSaEvt(): SaEvt {
  const tables = new EvtTables();
  const handleOf = (handle: bigint) => tables.handles.get(expect64('evtHandle', handle));
  const openOf = (handle: bigint) => tables.opens.get(expect64('channelHandle', handle));
  const eventOf = (handle: bigint) => tables.events.get(expect64('eventHandle', handle));

  const requestOpen = (
    handle: EvtHandle,
    name: string,
    flags: number,
  ): { id: SaEvtChannelHandleT; reply: Promise<Reply> } => {
    const publisher = (flags & SA_EVT_CHANNEL_PUBLISHER) !== 0;
    const subscriber = (flags & SA_EVT_CHANNEL_SUBSCRIBER) !== 0;
    const create = (flags & SA_EVT_CHANNEL_CREATE) !== 0;
    const id = tables.addOpen(handle, { publisher, subscriber });
    const request: OpenRequest = { handle: id, name, create, publisher, subscriber };
    const reply = handle.ais.request('open', request).then((answer) => {
      if (answer.rc !== SA_AIS_OK) tables.forgetOpen(id);
      return answer;
    });
    return { id, reply };
  };

  return {
    async saEvtInitialize(evtCallbacks, version, connect) {
      const callbacks = expectCallbacks(evtCallbacks);
      const opened = await openHandle({
        service: EVT_SERVICE_NAME,
        supported: EVT_VERSIONS,
        membersOnly: true,
        version,
        connect,
        onEvent: (event) => onEvent(tables, event),
      });
      if (opened.handle === undefined) return { rc: opened.rc };
      const handle: EvtHandle = { ais: opened.handle, callbacks, opens: new Set() };
      return { rc: SA_AIS_OK, evtHandle: tables.handles.add(handle) };
    },

    async saEvtSelectionObjectGet(evtHandle) {
      const handle = handleOf(evtHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = handle.ais.standing;
      return rc === SA_AIS_OK ? { rc, selectionObject: handle.ais.selectionObject() } : { rc };
    },

    async saEvtDispatch(evtHandle, dispatchFlags) {
      const handle = handleOf(evtHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.ais.dispatch(dispatchFlags) };
    },

    async saEvtFinalize(evtHandle) {
      const handle = handleOf(evtHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      tables.forgetHandle(evtHandle);
      return { rc: await handle.ais.finalize() };
    },

    async saEvtChannelOpen(evtHandle, channelName, channelOpenFlags, timeout) {
      const handle = handleOf(evtHandle);
      expectTime('timeout', timeout);
      const rc = checkOpen(handle, channelName, channelOpenFlags);
      if (handle === undefined || rc !== SA_AIS_OK) return { rc };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      const { id, reply } = requestOpen(handle, String(channelName), channelOpenFlags);
      const answer = await withinTimeout(reply, timeout);
      if (answer.rc === SA_AIS_OK) return { rc: SA_AIS_OK, channelHandle: id };
      if (answer.rc === SA_AIS_ERR_TIMEOUT) {
        tables.forgetOpen(id);
        releaseOpen(handle.ais, id);
      }
      return { rc: answer.rc };
    },

    async saEvtChannelOpenAsync(evtHandle, invocation, channelName, channelOpenFlags) {
      const handle = handleOf(evtHandle);
      expect64('invocation', invocation);
      const rc = checkOpen(handle, channelName, channelOpenFlags);
      if (handle === undefined || rc !== SA_AIS_OK) return { rc };
      const callback = handle.callbacks.saEvtChannelOpenCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      const { id, reply } = requestOpen(handle, String(channelName), channelOpenFlags);
      reply.then((answer) => {
        const opened = answer.rc === SA_AIS_OK ? id : (0n as SaEvtChannelHandleT);
        handle.ais.enqueue({ priority: 0, run: () => callback(invocation, opened, answer.rc) });
      });
      return { rc: SA_AIS_OK };
    },

    async saEvtChannelClose(channelHandle) {
      const open = openOf(channelHandle);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await open.handle.ais.request('close', { handle: channelHandle });
      if (rc === SA_AIS_OK || rc === SA_AIS_ERR_BAD_HANDLE) tables.forgetOpen(channelHandle);
      return { rc };
    },

    async saEvtChannelUnlink(evtHandle, channelName) {
      const handle = handleOf(evtHandle);
      const rc = checkName(handle, channelName);
      if (handle === undefined || rc !== SA_AIS_OK) return { rc };
      return { rc: (await handle.ais.request('unlink', { name: channelName })).rc };
    },

    async saEvtEventAllocate(channelHandle) {
      const open = openOf(channelHandle);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = open.handle.ais.standing;
      if (rc !== SA_AIS_OK) return { rc };
      const priority = SA_EVT_LOWEST_PRIORITY;
      const attributes = { patterns: [], priority, retention: 0n, publisher: '' } as const;
      const event: EvtEvent = {
        open,
        attributes: { ...attributes, patterns: [] },
        received: undefined,
      };
      return { rc: SA_AIS_OK, eventHandle: tables.addEvent(event) };
    },

    async saEvtEventFree(eventHandle) {
      const event = eventOf(eventHandle);
      if (event === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = event.open.handle.ais.standing;
      if (rc === SA_AIS_OK) tables.forgetEvent(eventHandle);
      return { rc };
    },

    async saEvtEventAttributesSet(
      eventHandle,
      patternArray,
      priority,
      retentionTime,
      publisherName,
    ) {
      const event = eventOf(eventHandle);
      expectNumber('priority', priority);
      expectTime('retentionTime', retentionTime);
      const patterns = patternArray?.map((pattern) => expectPattern('pattern', pattern));
      if (event === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const publisher = publisherName ?? event.attributes.publisher;
      const named = publisherName === null || publisherName === undefined;
      if (!named && !isSaName(publisher)) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (event.received !== undefined || !event.open.publisher) return { rc: SA_AIS_ERR_ACCESS };
      const attributes = {
        patterns: patterns ?? event.attributes.patterns,
        ...{ priority, retention: retentionTime, publisher },
      };
      const checked = checkAttributes(attributes);
      const rc = checked === SA_AIS_OK ? event.open.handle.ais.standing : checked;
      if (rc === SA_AIS_OK) event.attributes = attributes;
      return { rc };
    },

    async saEvtEventAttributesGet(eventHandle) {
      const event = eventOf(eventHandle);
      if (event === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = event.open.handle.ais.standing;
      if (rc !== SA_AIS_OK) return { rc };
      const { patterns, priority, retention, publisher } = event.attributes;
      return {
        rc,
        patternArray: patterns.map((pattern) => Uint8Array.from(pattern)),
        priority,
        retentionTime: retention,
        publisherName: publisher,
        publishTime: event.received?.time ?? SA_TIME_UNKNOWN,
        eventId: event.received?.id ?? SA_EVT_EVENTID_NONE,
      };
    },

    async saEvtEventPatternFree(eventHandle, patterns) {
      const event = eventOf(eventHandle);
      if (patterns === null || patterns === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (event === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { version, standing } = event.open.handle.ais;
      return { rc: version.majorVersion < 3 ? SA_AIS_ERR_VERSION : standing };
    },

    async saEvtEventDataGet(eventHandle, eventData) {
      const event = eventOf(eventHandle);
      if (event?.received === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = event.open.handle.ais.standing;
      if (rc !== SA_AIS_OK) return { rc };
      const { data } = event.received;
      const eventDataSize = data.length;
      if (eventData === undefined) {
        return { rc: SA_AIS_OK, eventData: Uint8Array.from(data), eventDataSize };
      }
      const buffer = expectBytes('eventData', eventData);
      if (buffer === null || buffer.length < eventDataSize) {
        return { rc: SA_AIS_ERR_NO_SPACE, eventDataSize };
      }
      buffer.set(data);
      return { rc: SA_AIS_OK, eventData: buffer, eventDataSize };
    },

    async saEvtEventPublish(eventHandle, eventData) {
      const event = eventOf(eventHandle);
      const data = expectBytes('eventData', eventData) ?? EMPTY;
      if (event === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (!event.open.publisher) return { rc: SA_AIS_ERR_ACCESS };
      const rc = checkData(data);
      if (rc !== SA_AIS_OK) return { rc };
      const reply = await event.open.handle.ais.request('publish', {
        handle: event.open.id,
        ...event.attributes,
        data,
      });
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, eventId: bigintOf(reply['eventId']) };
    },

    async saEvtEventSubscribe(channelHandle, filterArray, subscriptionId) {
      const open = openOf(channelHandle);
      expectNumber('subscriptionId', subscriptionId);
      const filters = filtersOf(filterArray);
      if (filters === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const rc = checkSubscribe(open, subscriptionId);
      if (open === undefined || rc !== SA_AIS_OK) return { rc };
      if (checkFilters(filters) !== SA_AIS_OK) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const serial = ++open.serials;
      // Known before it is confirmed: its first events may overtake the continuation below.
      open.subscriptions.set(serial, { id: subscriptionId, serial });
      const request = { handle: channelHandle, id: subscriptionId, serial, filters };
      const reply = await open.handle.ais.request('subscribe', request);
      if (reply.rc !== SA_AIS_OK) {
        open.subscriptions.delete(serial);
        reassign(open);
      }
      return { rc: reply.rc };
    },

    async saEvtEventUnsubscribe(channelHandle, subscriptionId) {
      const open = openOf(channelHandle);
      expectNumber('subscriptionId', subscriptionId);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (!isSubscriptionId(subscriptionId)) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const request = { handle: channelHandle, id: subscriptionId };
      const { rc } = await open.handle.ais.request('unsubscribe', request);
      if (rc === SA_AIS_OK) {
        const ended = [...open.subscriptions.values()].find(({ id }) => id === subscriptionId);
        if (ended !== undefined) open.subscriptions.delete(ended.serial);
        reassign(open);
      }
      return { rc };
    },

    async saEvtEventRetentionTimeClear(channelHandle, eventId) {
      const open = openOf(channelHandle);
      expect64('eventId', eventId);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (eventId <= EVENT_ID_RESERVED_MAX || eventId > 0xffff_ffff_ffff_ffffn) {
        return { rc: SA_AIS_ERR_INVALID_PARAM };
      }
      const request = { handle: channelHandle, id: eventId };
      return { rc: (await open.handle.ais.request('retentionClear', request)).rc };
    },

    async saEvtLimitGet(evtHandle, limitId) {
      const handle = handleOf(evtHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (handle.ais.version.majorVersion < 3) return { rc: SA_AIS_ERR_VERSION };
      const limit = limitName(limitId);
      if (limit === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const reply = await handle.ais.request('limits', null);
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, limitValue: bigintOf(reply[limit]) };
    },
  };
}

function checkName(handle: EvtHandle | undefined, given: unknown): SaAisErrorT {
  const name = expectName('channelName', given);
  // A null pointer is told before a handle that is wrong as well (AIS B.0).
  if (name === null) return SA_AIS_ERR_INVALID_PARAM;
  if (handle === undefined) return SA_AIS_ERR_BAD_HANDLE;
  return isSaName(name) ? handle.ais.standing : SA_AIS_ERR_INVALID_PARAM;
}

function checkOpen(handle: EvtHandle | undefined, name: unknown, flags: number): SaAisErrorT {
  const rc = checkName(handle, name);
  if (rc !== SA_AIS_OK) return rc;
  expectNumber('channelOpenFlags', flags);
  const known = SA_EVT_CHANNEL_PUBLISHER | SA_EVT_CHANNEL_SUBSCRIBER | SA_EVT_CHANNEL_CREATE;
  const valid = Number.isInteger(flags) && flags > 0 && flags <= known;
  return valid ? SA_AIS_OK : SA_AIS_ERR_BAD_FLAGS;
}

function checkSubscribe(open: EvtOpen | undefined, id: number): SaAisErrorT {
  if (open === undefined) return SA_AIS_ERR_BAD_HANDLE;
  if (!open.handle.callbacks.saEvtEventDeliverCallback) return SA_AIS_ERR_INIT;
  if (!open.subscriber) return SA_AIS_ERR_ACCESS;
  if (!isSubscriptionId(id)) return SA_AIS_ERR_INVALID_PARAM;
  const known = [...open.subscriptions.values()].some((other) => other.id === id);
  return known ? SA_AIS_ERR_EXIST : SA_AIS_OK;
}
