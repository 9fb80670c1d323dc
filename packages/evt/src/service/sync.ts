/**
 * The event service's state on its way to other nodes, and what becomes of several states (ADR 0072).
 * Channels are united by their instance; where both sides made a channel of one name, the winner's
 * instance takes over the opens and retained events of the other.
 *
 * Few retained events are sent whole. Of more only the heads are sent, which decide everything but what subscribers get;
 * the contents follow while clients work (background.ts, ADR 0201).
 */
import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import {
  hashState,
  type Infer,
  type Schema,
  type StatePart,
  type SyncHandlers,
  s,
} from '@aisexec/service';
import { EVT_CHUNK_ENTRIES_MAX, FILTERS_MAX } from '../limits.ts';
import { eventFields, filterSchema } from '../protocol.ts';
import { background } from './background.ts';
import { dropIfUnused, freeName, stripClient } from './channels.ts';
import { retain, retainedCost } from './retention.ts';
import {
  addChannel,
  addOpen,
  addSubscription,
  type Channel,
  type EvtState,
  ensureClient,
  initialState,
  type Open,
  openKey,
} from './state.ts';
import { HEADS_SINCE } from './versions.ts';

const ref = s.object({ node: s.u32, connection: s.count });

const chunkSchema = s.union(
  s.object({
    kind: s.oneOf('client'),
    ref,
    opens: s.list(s.object({ handle: s.u64, channel: s.u64 }), EVT_CHUNK_ENTRIES_MAX),
  }),
  s.object({
    kind: s.oneOf('channel'),
    instance: s.u64,
    name: s.text(SA_MAX_NAME_LENGTH),
    linked: s.bool,
    last: s.u64,
    gaps: s.count,
  }),
  s.object({
    kind: s.oneOf('open'),
    channel: s.u64,
    client: ref,
    handle: s.u64,
    publisher: s.bool,
    subscriber: s.bool,
  }),
  s.object({
    kind: s.oneOf('subscription'),
    channel: s.u64,
    client: ref,
    handle: s.u64,
    id: s.u32,
    serial: s.count,
    filters: s.list(filterSchema, FILTERS_MAX),
  }),
  s.object({ kind: s.oneOf('event'), id: s.u64, channel: s.u64, time: s.i64, ...eventFields }),
  // The head alone: its content follows.
  s.object({
    kind: s.oneOf('head'),
    ...{ id: s.u64, channel: s.u64, time: s.i64, retention: s.u64, cost: s.count },
  }),
);

/** The schema of a chunk. */
const chunk: Schema<EvtChunk> = chunkSchema;
export type EvtChunk = Infer<typeof chunkSchema>;

/** @param inlineBytesMax retained events that cost up to so many bytes are sent with their contents. */
export function createSync(inlineBytesMax: number): SyncHandlers<EvtState, EvtChunk> {
  return {
    chunk,
    save: (state, version) =>
      save(state, version < HEADS_SINCE || state.retainedBytes <= inlineBytesMax),
    canSave: (state, version) => version >= HEADS_SINCE || isComplete(state),
    load,
    merge,
    digest,
    background,
  };
}

function isComplete({ retained }: EvtState): boolean {
  for (const { content } of retained.values()) if (content === null) return false;
  return true;
}

/** Each kind in the order of its Map, and what belongs to something after it. */
function* save(state: EvtState, isInline: boolean): Iterable<EvtChunk> {
  for (const client of state.clients.values()) {
    const opens = [...client.opens].map(([handle, channel]) => ({ handle, channel }));
    for (let i = 0; i < opens.length; i += EVT_CHUNK_ENTRIES_MAX) {
      const slice = opens.slice(i, i + EVT_CHUNK_ENTRIES_MAX);
      yield { kind: 'client', ref: client.ref, opens: slice };
    }
  }
  for (const { instance, name, linked, last, gaps, opens } of state.channels.values()) {
    yield { kind: 'channel', instance, name, linked, last, gaps };
    for (const { client, handle, publisher, subscriber, subscriptions } of opens.values()) {
      yield { kind: 'open', channel: instance, client, handle, publisher, subscriber };
      for (const { id, serial, filters } of subscriptions.values()) {
        const of = { channel: instance, client, handle };
        yield { kind: 'subscription', ...of, id, serial, filters: [...filters] };
      }
    }
  }
  for (const { id, channel, time, retention, cost, content } of state.retained.values()) {
    const about = { id, channel, time, retention };
    if (!isInline || content === null) yield { kind: 'head', ...about, cost };
    else yield { kind: 'event', ...about, ...content, patterns: [...content.patterns] };
  }
}

/** Folds one chunk into a state that began as a fresh one. */
function load(state: EvtState, part: EvtChunk): void {
  if (part.kind === 'channel') {
    const { instance, name, linked, last, gaps } = part;
    addChannel(state, { instance, name, linked, last, gaps });
    return;
  }
  if (part.kind === 'client') {
    const client = ensureClient(state, part.ref);
    for (const { handle, channel } of part.opens) client.opens.set(handle, channel);
    return;
  }
  const channel = state.channels.get(part.channel);
  if (channel === undefined) return;
  if (part.kind === 'open') addOpen(state, channel, openOf(part));
  else if (part.kind === 'subscription') {
    const { id, serial, filters } = part;
    const open = channel.opens.get(openKey(part.client, part.handle));
    if (open !== undefined) addSubscription(state, open, { id, serial, filters });
  } else if (part.kind === 'head') {
    const { id, time, retention, cost } = part;
    const about = { id, channel: channel.instance, time, retention, cost };
    retain(state, channel, { ...about, content: null, asked: null });
  } else {
    const { id, time, retention, patterns, priority, publisher, data } = part;
    const content = { patterns, priority, publisher, data };
    const about = { id, channel: channel.instance, time, retention };
    retain(state, channel, { ...about, cost: retainedCost(content), content, asked: null });
  }
}

/**
 * Everything but what is derived, which older versions do not count, and the retained events themselves: their ids are
 * in their channels and in the expiries, and no two events have one id.
 */
function digest(state: EvtState): string {
  const { retained: _, openCount: __, subscriptionBytes: ___, ...rest } = state;
  return hashState(rest);
}

/** One state out of several, winner first. Consumes the parts. */
function merge(parts: readonly StatePart<EvtState>[]): EvtState {
  const [winner, ...losers] = parts;
  if (winner === undefined) return initialState();
  const { state } = winner;
  for (const { members } of losers) {
    // Their own part says what became of these clients; the winner's word on them is out of date.
    for (const client of [...state.clients.values()]) {
      if (members.includes(client.ref.node)) stripClient(state, client.ref);
    }
  }
  for (const loser of losers) honourUnlinks(state, loser.state);
  for (const loser of losers) {
    for (const other of loser.state.channels.values()) unite(state, other, loser);
  }
  for (const channel of [...state.channels.values()]) dropIfUnused(state, channel);
  state.adopted = losers.flatMap((loser) => loser.members);
  return state;
}

/** Takes one channel of a part that lost into the state. */
function unite(state: EvtState, other: Channel, part: StatePart<EvtState>): void {
  const { instance, name, linked, last, gaps } = other;
  const known = state.channels.get(instance);
  const namesake = linked && known === undefined ? state.names.get(name) : undefined;
  const target = known ?? (namesake === undefined ? undefined : state.channels.get(namesake));
  const channel = target ?? addChannel(state, { instance, name, linked, last, gaps });
  if (target !== undefined && (target.last !== last || target.gaps !== gaps)) {
    target.gaps = Math.max(target.gaps, gaps) + 1;
    target.last = 0n;
  }
  for (const open of other.opens.values()) {
    if (part.members.includes(open.client.node)) addOpen(state, channel, open);
  }
  for (const id of other.retained) {
    const event = part.state.retained.get(id);
    if (event === undefined || state.retained.has(id)) continue;
    retain(state, channel, { ...event, channel: channel.instance, asked: null });
  }
}

/** An instance that one side unlinked is unlinked; it goes only once all parts are united. */
function honourUnlinks(state: EvtState, other: EvtState): void {
  for (const { instance, linked } of other.channels.values()) {
    const known = state.channels.get(instance);
    if (known?.linked && !linked) freeName(state, known);
  }
}

function openOf(part: Extract<EvtChunk, { kind: 'open' }>): Open {
  const { client, handle, publisher, subscriber } = part;
  return { client, handle, publisher, subscriber, subscriptions: new Map() };
}
