/** What stands behind the three kinds of handles of the literal layer, and how one kind ends another. */
import type { HandleTable } from '@aisexec/ais';
import { type AisHandle, createHandleTable, type QueuedCallback } from '@aisexec/ipc';
import type { EventCallback } from '../protocol.ts';
import type { Attributes } from './calls.ts';
import type {
  SaEvtCallbacksT,
  SaEvtChannelHandleT,
  SaEvtEventHandleT,
  SaEvtHandleT,
} from './literal-types.ts';

export interface EvtHandle {
  readonly ais: AisHandle;
  readonly callbacks: SaEvtCallbacksT;
  readonly opens: Set<SaEvtChannelHandleT>;
}

/** A subscription as the client knows it, from the request on. */
export interface ClientSubscription {
  readonly id: number;
  readonly serial: number;
}

/** One open channel. */
export interface EvtOpen {
  /** The handle, by which the executive knows it, too. */
  id: SaEvtChannelHandleT;
  readonly handle: EvtHandle;
  readonly publisher: boolean;
  readonly subscriber: boolean;
  /** By serial. */
  readonly subscriptions: Map<number, ClientSubscription>;
  readonly events: Set<SaEvtEventHandleT>;
  readonly queued: Set<Delivery>;
  /** Serials given so far. */
  serials: number;
}

/** An event handle: allocated here, or received. */
export interface EvtEvent {
  readonly open: EvtOpen;
  attributes: Attributes;
  readonly received: EventCallback | undefined;
}

/** A delivery that waits for dispatch. `owner` becomes {@link DROPPED} when nobody wants it any more. */
export interface Delivery extends QueuedCallback {
  owner: unknown;
  /** Serial of the subscription that gets it. */
  serial: number;
  readonly event: EventCallback | undefined;
}

/** Owner of queued deliveries that are about to be dropped. */
export const DROPPED = Symbol('dropped');

export class EvtTables {
  readonly handles: HandleTable<'SaEvtHandleT', EvtHandle> = createHandleTable();
  readonly opens: HandleTable<'SaEvtChannelHandleT', EvtOpen> = createHandleTable();
  readonly events: HandleTable<'SaEvtEventHandleT', EvtEvent> = createHandleTable();

  addOpen(handle: EvtHandle, kind: Pick<EvtOpen, 'publisher' | 'subscriber'>): SaEvtChannelHandleT {
    const open: EvtOpen = {
      ...kind,
      id: 0n as SaEvtChannelHandleT,
      handle,
      subscriptions: new Map(),
      events: new Set(),
      queued: new Set(),
      serials: 0,
    };
    open.id = this.opens.add(open);
    handle.opens.add(open.id);
    return open.id;
  }

  addEvent(event: EvtEvent): SaEvtEventHandleT {
    const id = this.events.add(event);
    event.open.events.add(id);
    return id;
  }

  forgetEvent(id: SaEvtEventHandleT): void {
    this.events.get(id)?.open.events.delete(id);
    this.events.delete(id);
  }

  /** The event handles and the queued deliveries of an open go with it. */
  forgetOpen(id: SaEvtChannelHandleT): void {
    const open = this.opens.get(id);
    if (open === undefined) return;
    this.opens.delete(id);
    open.handle.opens.delete(id);
    for (const event of open.events) this.events.delete(event);
    open.subscriptions.clear();
    reassign(open);
  }

  forgetHandle(id: SaEvtHandleT): void {
    for (const open of this.handles.get(id)?.opens ?? []) this.forgetOpen(open);
    this.handles.delete(id);
  }
}

/**
 * After a subscription ended: what was queued for it goes to the next one of the open that the event
 * matched, and is dropped where there is none (AIS B.2 rule 10).
 */
export function reassign(open: EvtOpen): void {
  let dropped = false;
  for (const delivery of open.queued) {
    if (open.subscriptions.has(delivery.serial)) continue;
    const next = receiver(open, delivery.event);
    if (next !== undefined) delivery.serial = next.serial;
    else {
      delivery.owner = DROPPED;
      open.queued.delete(delivery);
      dropped = true;
    }
  }
  if (dropped) open.handle.ais.dropCallbacks(DROPPED);
}

/** The first living subscription that an event matched; the first at all for the lost event. */
export function receiver(
  open: EvtOpen,
  event: EventCallback | undefined,
): ClientSubscription | undefined {
  for (const serial of event === undefined ? open.subscriptions.keys() : event.serials) {
    const subscription = open.subscriptions.get(serial);
    if (subscription !== undefined) return subscription;
  }
  return undefined;
}
