/** How opens and channels end (AIS B.2 rules 6 and 7). */
import type { ClientRef } from '@aisexec/service';
import { dropRetained } from './retention.ts';
import {
  type Channel,
  clientKey,
  type EvtState,
  findOpen,
  type Open,
  openKey,
  uncount,
} from './state.ts';

/** Takes one open away, and with the last open of an unlinked channel the channel. */
export function removeOpen(state: EvtState, channel: Channel, open: Open): void {
  if (channel.opens.delete(openKey(open.client, open.handle))) uncount(state, open);
  const key = clientKey(open.client);
  const client = state.clients.get(key);
  client?.opens.delete(open.handle);
  if (client?.opens.size === 0) state.clients.delete(key);
  dropIfUnused(state, channel);
}

/** Takes everything away that belongs to a client. */
export function stripClient(state: EvtState, ref: ClientRef): void {
  const client = state.clients.get(clientKey(ref));
  if (client === undefined) return;
  for (const handle of [...client.opens.keys()]) {
    const found = findOpen(state, ref, handle);
    if (found !== undefined) removeOpen(state, found.channel, found.open);
  }
}

/** Frees the name; the instance lives until its last open ends. */
export function unlinkChannel(state: EvtState, channel: Channel): void {
  freeName(state, channel);
  dropIfUnused(state, channel);
}

/** Takes the name from a channel and leaves the rest. */
export function freeName(state: EvtState, channel: Channel): void {
  channel.linked = false;
  if (state.names.get(channel.name) === channel.instance) state.names.delete(channel.name);
}

/** An unlinked channel without opens goes, and its retained events with it. */
export function dropIfUnused(state: EvtState, channel: Channel): void {
  if (channel.linked || channel.opens.size > 0) return;
  for (const id of [...channel.retained]) dropRetained(state, id);
  state.channels.delete(channel.instance);
}
