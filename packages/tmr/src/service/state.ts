/**
 * The timers of one node's clients, and when each is due. The schedule is a binary heap in which a timer that was
 * cancelled or moved leaves a stale entry behind; stale ones are dropped when they come up, or all together
 * when there are many.
 */
import type { SaTimeT } from '@aisexec/ais';
import type { ClientRef } from '@aisexec/service';
import { STALE_ENTRIES_MAX } from '../limits.ts';
import type { SaTmrTimerAttributesT } from '../protocol.ts';

export interface Timer {
  readonly client: ClientRef;
  /** Unique within the connection. */
  readonly id: bigint;
  attributes: SaTmrTimerAttributesT;
  /** Next expiration, nanoseconds since the Unix epoch. */
  due: SaTimeT;
  /** Expirations since the start, and those of them that were skipped. */
  count: bigint;
  skipped: bigint;
  /** Expirations to skip from now on. */
  toSkip: number;
}

export interface Entry {
  readonly due: SaTimeT;
  readonly timer: Timer;
}

export interface TmrState {
  /** By connection, then by id. */
  readonly clients: Map<number, Map<bigint, Timer>>;
  /** A heap by `due`. */
  schedule: Entry[];
  /** Timers of all clients. */
  size: number;
}

export function createState(): TmrState {
  return { clients: new Map(), schedule: [], size: 0 };
}

export function find(state: TmrState, connection: number, id: bigint): Timer | undefined {
  return state.clients.get(connection)?.get(id);
}

export function add(state: TmrState, timer: Timer): void {
  const { connection } = timer.client;
  let timers = state.clients.get(connection);
  if (timers === undefined) {
    timers = new Map();
    state.clients.set(connection, timers);
  }
  timers.set(timer.id, timer);
  state.size++;
  push(state.schedule, { due: timer.due, timer });
}

export function remove(state: TmrState, { client: { connection }, id }: Timer): void {
  const timers = state.clients.get(connection);
  if (timers?.delete(id) !== true) return;
  state.size--;
  if (timers.size === 0) state.clients.delete(connection);
  tidy(state);
}

export function removeClient(state: TmrState, connection: number): void {
  state.size -= state.clients.get(connection)?.size ?? 0;
  state.clients.delete(connection);
  tidy(state);
}

/** A timer has another time. */
export function move(state: TmrState, timer: Timer, due: SaTimeT): void {
  timer.due = due;
  push(state.schedule, { due, timer });
  tidy(state);
}

/** The timer that is due first. */
export function first(state: TmrState): Timer | undefined {
  for (;;) {
    const top = state.schedule[0];
    if (top === undefined || isLive(state, top)) return top?.timer;
    pop(state.schedule);
  }
}

/** When the first timer is due, without tidying up: at worst too early. */
export function earliest(state: TmrState): SaTimeT | null {
  return state.schedule[0]?.due ?? null;
}

function isLive(state: TmrState, { due, timer }: Entry): boolean {
  return timer.due === due && find(state, timer.client.connection, timer.id) === timer;
}

function tidy(state: TmrState): void {
  if (state.schedule.length <= 2 * state.size + STALE_ENTRIES_MAX) return;
  const live = state.schedule.filter((entry) => isLive(state, entry));
  state.schedule = live.sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : 0));
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.due <= entry.due) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++;
    if (heap[child]!.due >= last.due) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
