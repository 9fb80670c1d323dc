/** Exec handlers of events: publish, subscribe, unsubscribe, clear the retention. */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ExecContext, Source } from '@aisexec/service';
import { SUBSCRIPTION_BYTES_MAX, SUBSCRIPTIONS_PER_OPEN_MAX } from '../limits.ts';
import {
  EVENT_ID_RESERVED_MAX,
  type PublishMessage,
  type RetentionClearRequest,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '../protocol.ts';
import { deliver, deliverRetained } from './delivery.ts';
import { dropRetained, hasRoom, retain, retainedCost } from './retention.ts';
import {
  addSubscription,
  type Channel,
  dropSubscription,
  type EvtState,
  findOpen,
  type Open,
  type RetainedEvent,
  subscriptionCost,
} from './state.ts';
import { BOUNDS_SINCE } from './versions.ts';

export function applyPublish(
  state: EvtState,
  message: PublishMessage,
  source: Source,
  ctx: ExecContext,
): void {
  const found = findOpen(state, source, message.handle);
  const rc = mayPublish(state, message, found?.open);
  if (found === undefined || rc !== SA_AIS_OK) {
    ctx.reply(source, { rc });
    return;
  }
  const { id, patterns, priority, retention, publisher, data } = message;
  const { channel } = found;
  const { time } = ctx;
  const content = { patterns, priority, publisher, data };
  if (retention > 0n) {
    const cost = retainedCost(content);
    const head = { id, channel: channel.instance, time, retention, cost };
    retain(state, channel, { ...head, content, asked: null });
  }
  channel.last = id;
  ctx.replyWhenCertain(source, { rc, eventId: id }, { rc: SA_AIS_ERR_TIMEOUT });
  deliver(channel, { id, time, retention, ...content }, ctx);
}

export function applySubscribe(
  state: EvtState,
  message: SubscribeRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const found = findOpen(state, source, message.handle);
  const rc = maySubscribe(state, message, found?.open, ctx);
  if (found === undefined || rc !== SA_AIS_OK) {
    ctx.reply(source, { rc });
    return;
  }
  const { channel, open } = found;
  const { id, serial, filters } = message;
  const subscription = { id, serial, filters };
  addSubscription(state, open, subscription);
  ctx.reply(source, { rc });
  deliverRetained(retainedBefore(state, channel, ctx.time), open, subscription, ctx);
}

export function applyUnsubscribe(
  state: EvtState,
  message: UnsubscribeRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const open = findOpen(state, source, message.handle)?.open;
  ctx.reply(source, { rc: unsubscribe(state, open, message.id) });
}

export function applyRetentionClear(
  state: EvtState,
  message: RetentionClearRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const channel = findOpen(state, source, message.handle)?.channel;
  const rc = clearRetention(state, channel, message.id, ctx.time);
  ctx.replyWhenCertain(source, { rc }, { rc: rc === SA_AIS_OK ? SA_AIS_ERR_TIMEOUT : rc });
}

function mayPublish(state: EvtState, message: PublishMessage, open: Open | undefined): SaAisErrorT {
  if (open === undefined) return SA_AIS_ERR_BAD_HANDLE;
  if (!open.publisher) return SA_AIS_ERR_ACCESS;
  // Another part of a merged history may have retained this id after it was drawn.
  if (state.retained.has(message.id)) return SA_AIS_ERR_TRY_AGAIN;
  if (message.retention > 0n && !hasRoom(state, message)) return SA_AIS_ERR_NO_RESOURCES;
  return SA_AIS_OK;
}

function maySubscribe(
  state: EvtState,
  message: SubscribeRequest,
  open: Open | undefined,
  ctx: ExecContext,
): SaAisErrorT {
  if (open === undefined) return SA_AIS_ERR_BAD_HANDLE;
  if (!open.subscriber) return SA_AIS_ERR_ACCESS;
  if (open.subscriptions.has(message.id)) return SA_AIS_ERR_EXIST;
  if (open.subscriptions.size >= SUBSCRIPTIONS_PER_OPEN_MAX) return SA_AIS_ERR_NO_RESOURCES;
  const bytes = state.subscriptionBytes + subscriptionCost(message.filters);
  if (ctx.version >= BOUNDS_SINCE && bytes > SUBSCRIPTION_BYTES_MAX) return SA_AIS_ERR_NO_RESOURCES;
  return SA_AIS_OK;
}

function unsubscribe(state: EvtState, open: Open | undefined, id: number): SaAisErrorT {
  if (open === undefined) return SA_AIS_ERR_BAD_HANDLE;
  return dropSubscription(state, open, id) ? SA_AIS_OK : SA_AIS_ERR_NOT_EXIST;
}

function clearRetention(
  state: EvtState,
  channel: Channel | undefined,
  id: bigint,
  now: bigint,
): SaAisErrorT {
  if (channel === undefined) return SA_AIS_ERR_BAD_HANDLE;
  if (id <= EVENT_ID_RESERVED_MAX) return SA_AIS_ERR_INVALID_PARAM;
  const event = channel.retained.has(id) ? state.retained.get(id) : undefined;
  if (event === undefined) return SA_AIS_ERR_NOT_EXIST;
  dropRetained(state, id);
  return hasEnded(event, now) ? SA_AIS_ERR_NOT_EXIST : SA_AIS_OK;
}

/** Retained events that did not end yet: the expiry itself is a message and may come a little late. */
function* retainedBefore(state: EvtState, channel: Channel, now: bigint): Iterable<RetainedEvent> {
  for (const id of channel.retained) {
    const event = state.retained.get(id);
    if (event !== undefined && !hasEnded(event, now)) yield event;
  }
}

function hasEnded(event: RetainedEvent, now: bigint): boolean {
  return event.time + event.retention <= now;
}
