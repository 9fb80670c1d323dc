/**
 * The named one-shot timers of one incarnation. A restarted timer does not leave an event behind for every
 * restart: the pending event finds the later due time and moves on (a ring restarts its token timer with
 * every token). While the process is paused, due timers wait for {@link NodeTimers.fireLate}.
 */
import type { EventHandler, Scheduler, SimEvent } from './scheduler.ts';

export interface NodeTimers {
  set(name: string, delayMs: number): void;
  cancel(name: string): void;
  /** Fire what came due during a pause, earliest first. */
  fireLate(): void;
  /** The incarnation is over: nothing fires any more. */
  stop(): void;
}

interface Slot extends EventHandler {
  readonly name: string;
  due: number;
  /** Tag of the one event that counts; others are leftovers of an earlier due time. */
  tag: number;
  /** When that event fires; infinite when there is none. */
  pendingAt: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createTimers(
  scheduler: Scheduler,
  isPaused: () => boolean,
  fire: (name: string) => void,
): NodeTimers {
  const slots = new Map<string, Slot>();
  let stopped = false;

  const schedule = (slot: Slot): void => {
    slot.tag += 1;
    slot.pendingAt = slot.due;
    scheduler.at(slot.due, slot, slot.tag);
  };

  const onEvent = (slot: Slot, event: SimEvent): void => {
    if (stopped || event.a !== slot.tag) return;
    slot.pendingAt = NEVER;
    if (slot.due === NEVER) return;
    if (slot.due > scheduler.now) schedule(slot);
    else if (!isPaused()) fireSlot(slot);
  };

  const fireSlot = (slot: Slot): void => {
    slot.due = NEVER;
    fire(slot.name);
  };

  const slotOf = (name: string): Slot => {
    let slot = slots.get(name);
    if (slot === undefined) {
      const created: Slot = {
        name,
        due: NEVER,
        tag: 0,
        pendingAt: NEVER,
        fire: (event) => onEvent(created, event),
      };
      slot = created;
      slots.set(name, created);
    }
    return slot;
  };

  return {
    set(name, delayMs) {
      const slot = slotOf(name);
      slot.due = scheduler.now + Math.max(0, delayMs);
      if (slot.pendingAt > slot.due) schedule(slot);
    },
    cancel(name) {
      const slot = slots.get(name);
      if (slot !== undefined) slot.due = NEVER;
    },
    fireLate() {
      const late = [...slots.values()].filter((slot) => slot.due <= scheduler.now);
      late.sort((x, y) => x.due - y.due);
      for (const slot of late) {
        if (stopped) return;
        if (slot.due <= scheduler.now) fireSlot(slot);
      }
    },
    stop() {
      stopped = true;
    },
  };
}
