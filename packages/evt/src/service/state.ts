/**
 * The replicated state of the event service: channels with their opens and subscriptions, the retained
 * events, and an index by client, since a client's end must find its opens without searching. Plain
 * data; every Map and Set is in the order in which things came, the same on all nodes, and
 * synchronisation rebuilds that order exactly (sync.ts).
 */
import type { ClientRef } from '@aisexec/service';
import { SUBSCRIPTION_OVERHEAD } from '../limits.ts';
import type { Filter } from '../protocol.ts';

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

/** What only a subscriber gets to see of an event. */
export interface EventContent {
  readonly patterns: readonly Uint8Array[];
  readonly priority: 0 | 1 | 2 | 3;
  readonly publisher: string;
  readonly data: Uint8Array;
}

/** An event that is kept for subscriptions to come. */
export interface RetainedEvent {
  readonly id: bigint;
  /** Instance of its channel. */
  readonly channel: bigint;
  readonly time: bigint;
  readonly retention: bigint;
  /** What it counts against the bound, see `retainedCost`. */
  readonly cost: number;
  /** null: still to come from another member (background.ts). */
  content: EventContent | null;
  /** Place in the order as of which a content that is still to come was asked for; else null. */
  asked: bigint | null;
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
  /** What the retained events cost together. */
  retainedBytes: number;
  /** Derived: opens of all channels. */
  openCount: number;
  /** Derived: what the subscriptions cost together, see {@link subscriptionCost}. */
  subscriptionBytes: number;
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
    openCount: 0,
    subscriptionBytes: 0,
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
  state.openCount += 1;
  for (const { filters } of open.subscriptions.values()) {
    state.subscriptionBytes += subscriptionCost(filters);
  }
}

/** An open has been taken away. It stays as it is: another part of a merge may have the same object. */
export function uncount(state: EvtState, { subscriptions }: Open): void {
  state.openCount -= 1;
  for (const { filters } of subscriptions.values()) {
    state.subscriptionBytes -= subscriptionCost(filters);
  }
}

export function addSubscription(state: EvtState, open: Open, subscription: Subscription): void {
  open.subscriptions.set(subscription.id, subscription);
  state.subscriptionBytes += subscriptionCost(subscription.filters);
}

/** @returns whether it was there. */
export function dropSubscription(state: EvtState, open: Open, id: number): boolean {
  const subscription = open.subscriptions.get(id);
  if (subscription === undefined) return false;
  state.subscriptionBytes -= subscriptionCost(subscription.filters);
  return open.subscriptions.delete(id);
}

/** What a subscription counts against SUBSCRIPTION_BYTES_MAX. */
export function subscriptionCost(filters: readonly Filter[]): number {
  const patterns = filters.reduce((sum, { pattern }) => sum + pattern.length, 0);
  return SUBSCRIPTION_OVERHEAD * (1 + filters.length) + patterns;
}
