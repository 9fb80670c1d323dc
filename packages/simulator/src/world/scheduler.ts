/**
 * Virtual time: a binary heap of events, earliest first, ties in the order of scheduling. Event objects are
 * reused, so a handler must not keep the one it is given. Nothing here knows the wall clock.
 */
import { SIM_EVENTS_PER_INSTANT_MAX } from '../limits.ts';

export interface SimEvent {
  /** Milliseconds of virtual time. */
  time: number;
  /** Rises with every scheduled event: the stable tie-break. */
  order: number;
  handler: EventHandler;
  /** Two words and bytes for the handler's own use. */
  a: number;
  b: number;
  bytes: Uint8Array;
}

export interface EventHandler {
  fire(event: SimEvent): void;
}

export interface Scheduler {
  readonly now: number;
  /** Events processed so far. */
  readonly processed: number;
  at(time: number, handler: EventHandler, a?: number, b?: number, bytes?: Uint8Array): void;
  /** Process everything due up to and including `time`, then stand at `time`. */
  runUntil(time: number): void;
}

const NO_BYTES = new Uint8Array(0);
const IDLE: EventHandler = { fire: () => undefined };

const before = (x: SimEvent, y: SimEvent): boolean =>
  x.time < y.time || (x.time === y.time && x.order < y.order);

export function createScheduler(): Scheduler {
  const heap: SimEvent[] = [];
  const free: SimEvent[] = [];
  let now = 0;
  let order = 0;
  let processed = 0;
  let atThisInstant = 0;

  const siftUp = (event: SimEvent): void => {
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (!before(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  };

  const pop = (): SimEvent => {
    const top = heap[0]!;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  };

  const step = (event: SimEvent): void => {
    atThisInstant = event.time === now ? atThisInstant + 1 : 0;
    if (atThisInstant > SIM_EVENTS_PER_INSTANT_MAX) {
      throw new Error(`livelock: ${atThisInstant} events at ${now} ms`);
    }
    now = event.time;
    processed += 1;
    event.handler.fire(event);
    event.handler = IDLE;
    event.bytes = NO_BYTES;
    free.push(event);
  };

  return {
    get now() {
      return now;
    },
    get processed() {
      return processed;
    },
    at(time, handler, a = 0, b = 0, bytes = NO_BYTES) {
      order += 1;
      const due = Math.max(time, now);
      const event = free.pop() ?? { time: due, order, handler, a, b, bytes };
      event.time = due;
      event.order = order;
      event.handler = handler;
      event.a = a;
      event.b = b;
      event.bytes = bytes;
      siftUp(event);
    },
    runUntil(time) {
      while (heap.length > 0 && heap[0]!.time <= time) step(pop());
      if (time > now) now = time;
    },
  };
}
