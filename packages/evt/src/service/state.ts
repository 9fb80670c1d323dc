/**
 * The replicated state of the event service: channels with their opens and subscriptions, the retained
 * events, and an index by client, since a client's end must find its opens without searching. Plain
 * data; every Map and Set is in the order in which things came, the same on all nodes, and
 * synchronisation rebuilds that order exactly (sync.ts).
 */
import type { ClientRef } from '@aisexec/service';
import type { Filter } from '../protocol.ts';
import { dropRetained } from './retention.ts';

export interface Subscription {
  /** The application's number, unique within the open. */
  readonly id: number;
  /** The client's number, never used twice within the open. */
  readonly serial: number;
  readonly filters: readonly Filter[];
}

/** One open of a channel by one client. */
export interface Open {
  readonly client: ClientRef;
  /** Drawn by the client; unique with {@link client}. */
  readonly handle: bigint;
  readonly publisher: boolean;
  readonly subscriber: boolean;
  /** By id, oldest first. */
  readonly subscriptions: Map<number, Subscription>;
}

/** One instance of a channel: after an unlink another one may have its name (AIS B.2 rule 6). */
export interface Channel {
  readonly instance: bigint;
  readonly name: string;
  /** Whether the name still leads here. */
  linked: boolean;
  /** Id of the event published last; 0n before the first and after histories were merged. */
  last: bigint;
  /** How often different histories of this channel were merged: what was published elsewhere is a gap here. */
  gaps: number;
  /** By {@link openKey}. */
  readonly opens: Map<string, Open>;
  /** Ids of its retained events, in the order of their publication. */
  readonly retained: Set<bigint>;
}

/** An event that is kept for subscriptions to come. */
export interface RetainedEvent {
  readonly id: bigint;
  /** Instance of its channel. */
  readonly channel: bigint;
  readonly time: bigint;
  readonly patterns: readonly Uint8Array[];
  readonly priority: 0 | 1 | 2 | 3;
  readonly retention: bigint;
  readonly publisher: string;
  readonly data: Uint8Array;
}

/** When a retained event ends. */
export interface Expiry {
  readonly at: bigint;
  readonly id: bigint;
}

/** A client with at least one open. */
export interface Client {
  readonly ref: ClientRef;
  /** Open handle to the instance of its channel. */
  readonly opens: Map<bigint, bigint>;
}

export interface EvtState {
  /** By instance. */
  readonly channels: Map<bigint, Channel>;
  /** Linked names to instances. */
  readonly names: Map<string, bigint>;
  /** By {@link clientKey}. */
  readonly clients: Map<string, Client>;
  /** By event id, of all channels. */
  readonly retained: Map<bigint, RetainedEvent>;
  /** The same events, next to end first; equal times by id. */
  readonly expiries: Expiry[];
  /** Bytes of the retained events, see `retainedCost`. */
  retainedBytes: number;
  /**
   * Between a merge and the view change that follows it: nodes whose clients came with their own part
   * of the state. They are new even when the node is said to have left, in an earlier life.
   */
  adopted: number[];
}

export function initialState(): EvtState {
  return {
    channels: new Map(),
    names: new Map(),
    clients: new Map(),
    retained: new Map(),
    expiries: [],
    retainedBytes: 0,
    adopted: [],
  };
}

export function clientKey(client: ClientRef): string {
  return `${client.node}.${client.connection}`;
}

export function openKey(client: ClientRef, handle: bigint): string {
  return `${client.node}.${client.connection}.${handle}`;
}

/** The channel of a client's open handle and the open itself. */
export function findOpen(
  state: EvtState,
  client: ClientRef,
  handle: bigint,
): { readonly channel: Channel; readonly open: Open } | undefined {
  const instance = state.clients.get(clientKey(client))?.opens.get(handle);
  if (instance === undefined) return undefined;
  const channel = state.channels.get(instance);
  const open = channel?.opens.get(openKey(client, handle));
  return channel === undefined || open === undefined ? undefined : { channel, open };
}

/** A new channel under its name, or a nameless instance of it. The instance must be new. */
export function addChannel(
  state: EvtState,
  fields: Pick<Channel, 'instance' | 'name' | 'linked' | 'last' | 'gaps'>,
): Channel {
  const channel: Channel = { ...fields, opens: new Map(), retained: new Set() };
  state.channels.set(channel.instance, channel);
  if (channel.linked) state.names.set(channel.name, channel.instance);
  return channel;
}

/** The client's record, made when it has none. */
export function ensureClient(state: EvtState, ref: ClientRef): Client {
  const key = clientKey(ref);
  const known = state.clients.get(key);
  if (known !== undefined) return known;
  const client: Client = {
    ref: { node: ref.node, connection: ref.connection },
    opens: new Map(),
  };
  state.clients.set(key, client);
  return client;
}

/** Registers an open. The handle must be new to the client. */
export function addOpen(state: EvtState, channel: Channel, open: Open): void {
  const client = ensureClient(state, open.client);
  client.opens.set(open.handle, channel.instance);
  channel.opens.set(openKey(open.client, open.handle), open);
}

/** Takes one open away, and with the last open of an unlinked channel the channel. */
export function removeOpen(state: EvtState, channel: Channel, open: Open): void {
  channel.opens.delete(openKey(open.client, open.handle));
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
