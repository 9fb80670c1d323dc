/**
 * What one idiomatic subscription has not read yet: four priorities, a bound, and a count of what did
 * not fit (AIS B.2 rules 4 and 5). Once full it drops until half of it is read, so that a reader that is
 * too slow sees one long gap instead of many short ones; a higher priority takes the place of a lower.
 */
import type { EventItem, SubscriptionItem } from './items.ts';

const PRIORITIES = 4;

interface Waiting {
  readonly item: EventItem;
  /** Its place among all that came. */
  readonly place: number;
}

interface Level {
  items: Waiting[];
  /** Those before it were read. */
  head: number;
}

export class EventBuffer {
  readonly #max: number;
  readonly #levels: Level[] = Array.from({ length: PRIORITIES }, () => ({ items: [], head: 0 }));
  #size = 0;
  #dropping = false;
  #dropped = 0;
  #places = 0;
  /** Behind these places events were lost before they came here: nobody knows how many. */
  #losses: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  push(item: EventItem): void {
    if (this.#size >= this.#max) this.#dropping = true;
    if (this.#dropping) {
      this.#dropped++;
      if (!this.#evictBelow(item.priority)) return;
    }
    this.#levels[item.priority]?.items.push({ item, place: ++this.#places });
    this.#size++;
  }

  /** The executive or a merge of partitions lost events. */
  lost(): void {
    if (this.#losses.at(-1) !== this.#places) this.#losses.push(this.#places);
  }

  /**
   * The next item. What was dropped here is told before everything else; what was lost elsewhere before the first
   * event that came after it.
   */
  shift(): SubscriptionItem | undefined {
    const level = this.#levels.find(({ items, head }) => head < items.length);
    const next = level?.items[level.head];
    const isLost = this.#losses.length > 0 && this.#losses[0]! < (next?.place ?? Infinity);
    if (isLost || this.#dropped > 0) return this.#loss(isLost);
    if (level === undefined || next === undefined) return undefined;
    level.head++;
    if (level.head >= 64 && level.head * 2 >= level.items.length) {
      level.items = level.items.slice(level.head);
      level.head = 0;
    }
    this.#size--;
    if (this.#size * 2 <= this.#max) this.#dropping = false;
    return next.item;
  }

  clear(): void {
    for (const level of this.#levels) {
      level.items = [];
      level.head = 0;
    }
    this.#size = 0;
    this.#dropping = false;
    this.#dropped = 0;
    this.#losses = [];
  }

  #loss(isElsewhere: boolean): SubscriptionItem {
    const count = this.#dropped;
    this.#dropped = 0;
    if (!isElsewhere) return { type: 'lost', count };
    this.#losses.shift();
    return { type: 'lost' };
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
