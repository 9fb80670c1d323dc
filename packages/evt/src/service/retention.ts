/**
 * Retained events (AIS B.2 rule 3): kept from their publication for their retention time, for
 * subscriptions to come. The list of expiries is sorted, so that the next one is known at once and
 * replicas are equal however they came to their state; events mostly share one retention time, which
 * makes an insertion an append.
 */
import { RETAINED_BYTES_MAX, RETAINED_EVENT_OVERHEAD, RETAINED_EVENTS_MAX } from '../limits.ts';
import type { Channel, EventContent, EvtState, Expiry, RetainedEvent } from './state.ts';

/** Whether there is room for this event among the retained ones. */
export function hasRoom(state: EvtState, content: EventContent): boolean {
  return (
    state.retained.size < RETAINED_EVENTS_MAX &&
    state.retainedBytes + retainedCost(content) <= RETAINED_BYTES_MAX
  );
}

/** Keeps an event. Its id must be new among the retained ones. */
export function retain(state: EvtState, channel: Channel, event: RetainedEvent): void {
  state.retained.set(event.id, event);
  channel.retained.add(event.id);
  state.retainedBytes += event.cost;
  const expiry = expiryOf(event);
  state.expiries.splice(placeOf(state.expiries, expiry), 0, expiry);
}

/** Forgets an event; unknown ids are ignored. */
export function dropRetained(state: EvtState, id: bigint): void {
  const event = state.retained.get(id);
  if (event === undefined) return;
  state.expiries.splice(placeOf(state.expiries, expiryOf(event)), 1);
  forget(state, event);
}

/** Forgets what ends at `now` or before. */
export function expireRetained(state: EvtState, now: bigint): void {
  let due = 0;
  while (due < state.expiries.length && state.expiries[due]!.at <= now) due++;
  for (const { id } of state.expiries.splice(0, due)) {
    const event = state.retained.get(id);
    if (event !== undefined) forget(state, event);
  }
}

/** When the next retained event ends; null for never. */
export function nextExpiry(state: EvtState): bigint | null {
  return state.expiries[0]?.at ?? null;
}

/** What an event counts against {@link RETAINED_BYTES_MAX}. */
export function retainedCost({ patterns, publisher, data }: EventContent): number {
  let bytes = RETAINED_EVENT_OVERHEAD + data.length + publisher.length;
  for (const pattern of patterns) bytes += pattern.length;
  return bytes;
}

function forget(state: EvtState, event: RetainedEvent): void {
  state.retained.delete(event.id);
  state.channels.get(event.channel)?.retained.delete(event.id);
  state.retainedBytes -= event.cost;
}

function expiryOf(event: RetainedEvent): Expiry {
  return { at: event.time + event.retention, id: event.id };
}

/** The place of an expiry in the sorted list, or where it would go. */
function placeOf(expiries: readonly Expiry[], wanted: Expiry): number {
  let low = 0;
  let high = expiries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(expiries[middle]!, wanted)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: Expiry, b: Expiry): boolean {
  return a.at < b.at || (a.at === b.at && a.id < b.id);
}
