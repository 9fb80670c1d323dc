/** Exec handlers of channels: open, close, unlink (AIS B.2 rules 6 and 7). */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ExecContext, Source } from '@aisexec/service';
import { CHANNEL_OPENS_MAX, CHANNEL_OPENS_PER_CLIENT_MAX, CHANNELS_MAX } from '../limits.ts';
import type { CloseRequest, OpenMessage, UnlinkRequest } from '../protocol.ts';
import { removeOpen, unlinkChannel } from './channels.ts';
import { addChannel, addOpen, type Channel, clientKey, type EvtState, findOpen } from './state.ts';
import { BOUNDS_SINCE } from './versions.ts';

export function applyOpen(
  state: EvtState,
  message: OpenMessage,
  source: Source,
  ctx: ExecContext,
): void {
  ctx.reply(source, { rc: open(state, message, source, ctx) });
}

export function applyClose(
  state: EvtState,
  message: CloseRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const found = findOpen(state, source, message.handle);
  if (found !== undefined) removeOpen(state, found.channel, found.open);
  ctx.reply(source, { rc: found === undefined ? SA_AIS_ERR_BAD_HANDLE : SA_AIS_OK });
}

export function applyUnlink(
  state: EvtState,
  message: UnlinkRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const channel = channelOf(state, message.name);
  if (channel === undefined) {
    ctx.reply(source, { rc: SA_AIS_ERR_NOT_EXIST });
    return;
  }
  unlinkChannel(state, channel);
  ctx.replyWhenCertain(source, { rc: SA_AIS_OK }, { rc: SA_AIS_ERR_TIMEOUT });
}

function open(
  state: EvtState,
  message: OpenMessage,
  source: Source,
  ctx: ExecContext,
): SaAisErrorT {
  const opens = state.clients.get(clientKey(source))?.opens;
  if (opens?.has(message.handle)) return SA_AIS_ERR_INVALID_PARAM;
  if (opens !== undefined && opens.size >= CHANNEL_OPENS_PER_CLIENT_MAX) {
    return SA_AIS_ERR_NO_RESOURCES;
  }
  if (ctx.version >= BOUNDS_SINCE && state.openCount >= CHANNEL_OPENS_MAX) {
    return SA_AIS_ERR_NO_RESOURCES;
  }
  const channel = channelOf(state, message.name) ?? create(state, message);
  if (typeof channel === 'number') return channel;
  const { handle, publisher, subscriber } = message;
  const client = { node: source.node, connection: source.connection };
  addOpen(state, channel, { client, handle, publisher, subscriber, subscriptions: new Map() });
  return SA_AIS_OK;
}

function create(state: EvtState, message: OpenMessage): Channel | SaAisErrorT {
  if (!message.create) return SA_AIS_ERR_NOT_EXIST;
  const { instance, name } = message;
  if (state.channels.size >= CHANNELS_MAX || state.channels.has(instance)) {
    return SA_AIS_ERR_NO_RESOURCES;
  }
  return addChannel(state, { instance, name, linked: true, last: 0n, gaps: 0 });
}

function channelOf(state: EvtState, name: string): Channel | undefined {
  const instance = state.names.get(name);
  return instance === undefined ? undefined : state.channels.get(instance);
}
