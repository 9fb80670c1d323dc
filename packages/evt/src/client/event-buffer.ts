/**
 * What one idiomatic subscription has not read yet: four priorities, a bound, and a count of what did
 * not fit (AIS B.2 rules 4 and 5). Once full it drops until half of it is read, so that a reader that is
 * too slow sees one long gap instead of many short ones; a higher priority takes the place of a lower.
 */
import type { EventItem, SubscriptionItem } from './items.ts';

const PRIORITIES = 4;

interface Level {
  items: EventItem[];
  /** Those before it were read. */
  head: number;
}

export class EventBuffer {
  readonly #max: number;
  readonly #levels: Level[] = Array.from({ length: PRIORITIES }, () => ({ items: [], head: 0 }));
  #size = 0;
  #dropping = false;
  #dropped = 0;
  /** Events were lost before they came here: nobody knows how many. */
  #lostElsewhere = false;

  constructor(max: number) {
    this.#max = max;
  }

  push(item: EventItem): void {
    if (this.#size >= this.#max) this.#dropping = true;
    if (this.#dropping) {
      this.#dropped++;
      if (!this.#evictBelow(item.priority)) return;
    }
    this.#levels[item.priority]?.items.push(item);
    this.#size++;
  }

  /** The executive or a merge of partitions lost events. */
  lost(): void {
    this.#lostElsewhere = true;
  }

  /** The next item; a loss is told before everything else. */
  shift(): SubscriptionItem | undefined {
    if (this.#lostElsewhere || this.#dropped > 0) {
      const count = this.#lostElsewhere ? undefined : this.#dropped;
      this.#lostElsewhere = false;
      this.#dropped = 0;
      return count === undefined ? { type: 'lost' } : { type: 'lost', count };
    }
    for (const level of this.#levels) {
      const item = level.items[level.head];
      if (item === undefined) continue;
      level.head++;
      if (level.head >= 64 && level.head * 2 >= level.items.length) {
        level.items = level.items.slice(level.head);
        level.head = 0;
      }
      this.#size--;
      if (this.#size * 2 <= this.#max) this.#dropping = false;
      return item;
    }
    return undefined;
  }

  clear(): void {
    for (const level of this.#levels) {
      level.items = [];
      level.head = 0;
    }
    this.#size = 0;
    this.#dropping = false;
    this.#dropped = 0;
    this.#lostElsewhere = false;
  }

  /** Drops the newest event of the lowest priority below `priority`. */
  #evictBelow(priority: number): boolean {
    for (let at = PRIORITIES - 1; at > priority; at--) {
      const level = this.#levels[at];
      if (level === undefined || level.head >= level.items.length) continue;
      level.items.pop();
      this.#size--;
      return true;
    }
    return false;
  }
}
