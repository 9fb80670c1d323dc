/**
 * Handing events to subscribers. Every node matches for all opens of the channel and the callback is a
 * no-op where the client is another node's: an exec handler must not know its node (ADR 0071).
 */
import type { ClientRef, ExecContext } from '@aisexec/service';
import { matches } from './matching.ts';
import type { Channel, EventContent, Open, RetainedEvent, Subscription } from './state.ts';

/** An event on its way. */
export interface Event extends EventContent {
  readonly id: bigint;
  readonly time: bigint;
  readonly retention: bigint;
}

/**
 * Delivers an event at most once to every open of the channel (AIS B.2 rule 2), naming all its
 * subscriptions that match: the client gives it to the first one that did not end meanwhile (rule 10).
 */
export function deliver(channel: Channel, event: Event, ctx: ExecContext): void {
  for (const open of channel.opens.values()) {
    let serials: number[] | undefined;
    for (const subscription of open.subscriptions.values()) {
      if (!matches(subscription.filters, event.patterns)) continue;
      serials ??= [];
      serials.push(subscription.serial);
    }
    if (serials !== undefined) send(open, serials, event, ctx);
  }
}

/**
 * Delivers the channel's retained events to a subscription that is new (F.4: once to each). Contents may have become
 * absent on this node after it let the subscription through: then a loss is told, in one event for all (ADR 0201).
 */
export function deliverRetained(
  events: Iterable<RetainedEvent>,
  open: Open,
  subscription: Subscription,
  ctx: ExecContext,
): void {
  let isLost = false;
  for (const { id, time, retention, content } of events) {
    if (content === null) isLost = true;
    else if (matches(subscription.filters, content.patterns)) {
      send(open, [subscription.serial], { id, time, retention, ...content }, ctx);
    }
  }
  if (isLost) tellLost(open.client, open.handle, ctx);
}

/** Tells a subscriber that it may have missed events. */
export function tellLost(client: ClientRef, handle: bigint, ctx: ExecContext): void {
  const payload = { handle };
  ctx.callback(client, 'lost', payload, { priority: 0, lost: { name: 'lost', payload } });
}

function send(open: Open, serials: readonly number[], event: Event, ctx: ExecContext): void {
  const { handle, client } = open;
  const { id, time, patterns, priority, retention, publisher, data } = event;
  ctx.callback(
    client,
    'event',
    { handle, serials, id, time, patterns, priority, retention, publisher, data },
    { priority, lost: { name: 'lost', payload: { handle } } },
  );
}
