/**
 * How much of this node's way into the order each process may take (ADR 0193, 0225): what was multicast for its clients
 * and was not delivered here yet. Whoever has its share under way waits for its own messages to come back, and so nobody
 * else's wait behind them in the ring's queue. Shares are equal; one is always left for whoever comes next.
 */
import { MESSAGE_COST, UNORDERED_COST_MAX } from '../limits.ts';

/** Whose share it is: the number of a process, or a client of which none is known. */
export type Sharer = unknown;

interface UnderWay {
  readonly sharer: Sharer;
  cost: number;
}

export class Shares {
  /** What is under way by connection; of clients that are gone, too, until it is delivered. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly #shares = new Map<Sharer, number>();

  /** Whether one more message may follow; a sharer that has nothing under way always may. */
  mayMulticast(sharer: Sharer): boolean {
    const used = this.#shares.get(sharer);
    return used === undefined || used < UNORDERED_COST_MAX / (this.#shares.size + 1);
  }

  sent(connection: number, sharer: Sharer, bytes: number): void {
    const underWay = this.#underWay.get(connection);
    if (underWay === undefined) this.#underWay.set(connection, { sharer, cost: costOf(bytes) });
    else underWay.cost += costOf(bytes);
    this.#shares.set(sharer, (this.#shares.get(sharer) ?? 0) + costOf(bytes));
  }

  /** A message came back, with as many bytes as were sent. @returns who has room now. */
  ordered(connection: number, bytes: number): Sharer {
    const underWay = this.#underWay.get(connection);
    if (underWay === undefined) return undefined;
    const { sharer } = underWay;
    underWay.cost -= costOf(bytes);
    if (underWay.cost <= 0) this.#underWay.delete(connection);
    const left = (this.#shares.get(sharer) ?? 0) - costOf(bytes);
    if (left > 0) this.#shares.set(sharer, left);
    else this.#shares.delete(sharer);
    return sharer;
  }

  /** Sharers with something under way. */
  get size(): number {
    return this.#shares.size;
  }
}

function costOf(bytes: number): number {
  return bytes + MESSAGE_COST;
}
