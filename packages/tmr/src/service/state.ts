/**
 * The timers of one node's clients, and when each is due: a point in time by the wall clock, a duration by the
 * clock that nobody sets (ADR 0198). The schedule of a clock is a binary heap in which a timer that was
 * cancelled or moved leaves a stale entry behind; stale ones are dropped when they come up, or all together
 * when there are many.
 */
import type { SaTimeT } from '@aisexec/ais';
import type { ClientRef } from '@aisexec/service';
import { STALE_ENTRIES_MAX } from '../limits.ts';
import { SA_TIME_ABSOLUTE, type SaTmrTimerAttributesT } from '../protocol.ts';

/** By which clock a timer goes, its periods included. */
export type Clock = 'wall' | 'steady';
export const CLOCKS: readonly Clock[] = ['wall', 'steady'];

export function clockOf({ type }: SaTmrTimerAttributesT): Clock {
  return type === SA_TIME_ABSOLUTE ? 'wall' : 'steady';
}

export interface Timer {
  readonly client: ClientRef;
  /** Unique within the connection. */
  readonly id: bigint;
  attributes: SaTmrTimerAttributesT;
  /** Next expiration on its own clock, nanoseconds. */
  due: SaTimeT;
  /** What the wall clock is expected to show then: for people. */
  dueWall: SaTimeT;
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
  /** A heap by `due` for each clock. */
  readonly schedule: Record<Clock, Entry[]>;
  /** Timers of all clients. */
  size: number;
}

export function createState(): TmrState {
  return { clients: new Map(), schedule: { wall: [], steady: [] }, size: 0 };
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
  push(state.schedule[clockOf(timer.attributes)], { due: timer.due, timer });
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

/** A timer has another time on its clock; the wall clock will show `dueWall` then. */
export function move(state: TmrState, timer: Timer, due: SaTimeT, dueWall: SaTimeT): void {
  timer.due = due;
  timer.dueWall = dueWall;
  push(state.schedule[clockOf(timer.attributes)], { due, timer });
  tidy(state);
}

/** The timer that is due first of those that go by a clock. */
export function first(state: TmrState, clock: Clock): Timer | undefined {
  const heap = state.schedule[clock];
  for (;;) {
    const top = heap[0];
    if (top === undefined || isLive(state, clock, top)) return top?.timer;
    pop(heap);
  }
}

/** When that is, without tidying up: at worst too early. */
export function earliest(state: TmrState, clock: Clock): SaTimeT | null {
  return state.schedule[clock][0]?.due ?? null;
}

function isLive(state: TmrState, clock: Clock, { due, timer }: Entry): boolean {
  return (
    timer.due === due &&
    clockOf(timer.attributes) === clock &&
    find(state, timer.client.connection, timer.id) === timer
  );
}

function tidy(state: TmrState): void {
  const { schedule, size } = state;
  if (schedule.wall.length + schedule.steady.length <= 2 * size + STALE_ENTRIES_MAX) return;
  for (const clock of CLOCKS) {
    const live = schedule[clock].filter((entry) => isLive(state, clock, entry));
    schedule[clock] = live.sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : 0));
  }
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
