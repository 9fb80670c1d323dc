/**
 * The event service's state on its way to other nodes, and what becomes of several states (ADR 0072).
 * Channels are united by their instance; where both sides made a channel of one name, the winner's
 * instance takes over the opens and retained events of the other.
 */
import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import { hashState, type Infer, type Schema, type StatePart, s } from '@aisexec/service';
import { EVT_CHUNK_ENTRIES_MAX, FILTERS_MAX } from '../limits.ts';
import { eventFields, filterSchema } from '../protocol.ts';
import { dropIfUnused, freeName, stripClient } from './channels.ts';
import { retain } from './retention.ts';
import {
  addChannel,
  addOpen,
  type Channel,
  type EvtState,
  ensureClient,
  initialState,
  type Open,
  openKey,
} from './state.ts';

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
);

/** The schema of a chunk. */
export const chunk: Schema<EvtChunk> = chunkSchema;
export type EvtChunk = Infer<typeof chunkSchema>;

/** Each kind in the order of its Map, and what belongs to something after it. */
export function* save(state: EvtState): Iterable<EvtChunk> {
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
  for (const event of state.retained.values()) {
    yield { kind: 'event', ...event, patterns: [...event.patterns] };
  }
}

/** Folds one chunk into a state that began as a fresh one. */
export function load(state: EvtState, part: EvtChunk): void {
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
    open?.subscriptions.set(id, { id, serial, filters });
  } else {
    const { id, time, patterns, priority, retention, publisher, data } = part;
    const event = { id, time, patterns, priority, retention, publisher, data };
    retain(state, channel, { ...event, channel: part.channel });
  }
}

/**
 * Everything but the retained events themselves: their ids are in their channels and in the expiries, and no two
 * events have one id.
 */
export function digest({ retained: _, ...rest }: EvtState): string {
  return hashState(rest);
}

/** One state out of several, winner first. Consumes the parts. */
export function merge(parts: readonly StatePart<EvtState>[]): EvtState {
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
    retain(state, channel, { ...event, channel: channel.instance });
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
