/** From what the executive calls back to callbacks that wait for `saEvtDispatch`. */
import { SA_TIME_UNKNOWN } from '@aisexec/ais';
import type { CallbackEvent } from '@aisexec/ipc';
import {
  type EventCallback,
  type LostCallback,
  SA_EVT_EVENTID_LOST,
  SA_EVT_HIGHEST_PRIORITY,
  SA_EVT_LOST_EVENT,
} from '../protocol.ts';
import { type Delivery, type EvtOpen, type EvtTables, receiver } from './handles.ts';

export function onEvent(tables: EvtTables, event: CallbackEvent): void {
  if (event.name === 'event') {
    const received = event.payload as EventCallback;
    const open = tables.opens.get(received.handle);
    if (open !== undefined) queue(tables, open, received);
  } else if (event.name === 'lost') {
    const open = tables.opens.get((event.payload as LostCallback).handle);
    // One that waits already says it all.
    if (open !== undefined && ![...open.queued].some((delivery) => delivery.event === undefined)) {
      queue(tables, open, undefined);
    }
  }
}

/** Queues a delivery; `event` undefined is the lost event. */
function queue(tables: EvtTables, open: EvtOpen, event: EventCallback | undefined): void {
  const subscription = receiver(open, event);
  if (subscription === undefined) return;
  const delivery: Delivery = {
    priority: event?.priority ?? SA_EVT_HIGHEST_PRIORITY,
    owner: undefined,
    serial: subscription.serial,
    event,
    run: () => deliver(tables, open, delivery),
  };
  open.queued.add(delivery);
  open.handle.ais.enqueue(delivery);
}

function deliver(tables: EvtTables, open: EvtOpen, delivery: Delivery): void | Promise<void> {
  open.queued.delete(delivery);
  const { serial, event } = delivery;
  const subscription = open.subscriptions.get(serial);
  const callback = open.handle.callbacks.saEvtEventDeliverCallback;
  if (subscription === undefined || !callback) return undefined;
  const received = event ?? lostEvent();
  const { patterns, priority, retention, publisher } = received;
  const attributes = { patterns, priority, retention, publisher };
  const eventHandle = tables.addEvent({ open, attributes, received });
  return callback(subscription.id, eventHandle, received.data.length);
}

/** The event that stands for lost ones (AIS B.2 rule 5). Its publisher's name is nothing to rely on. */
function lostEvent(): EventCallback {
  return {
    handle: 0n,
    serials: [],
    id: SA_EVT_EVENTID_LOST,
    time: SA_TIME_UNKNOWN,
    patterns: [new TextEncoder().encode(SA_EVT_LOST_EVENT)],
    priority: SA_EVT_HIGHEST_PRIORITY,
    retention: 0n,
    publisher: 'EVENT_SERVICE',
    data: new Uint8Array(0),
  };
}
