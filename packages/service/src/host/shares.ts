/**
 * How much of this node's way into the order each client may take (ADR 0193): what was multicast for it and was not
 * delivered here yet. Whoever has its share under way waits for its own messages to come back, and so nobody
 * else's wait behind them in the ring's queue. Shares are equal; one is always left for whoever comes next.
 */
import { MESSAGE_COST, UNORDERED_COST_MAX } from '../limits.ts';

export class Shares {
  /** Cost of what is under way, by connection; of clients that are gone, too, until it is delivered. */
  readonly #underWay = new Map<number, number>();

  /** Whether one more message may follow; a client that has nothing under way always may. */
  mayMulticast(connection: number): boolean {
    const used = this.#underWay.get(connection);
    return used === undefined || used < UNORDERED_COST_MAX / (this.#underWay.size + 1);
  }

  sent(connection: number, bytes: number): void {
    const used = this.#underWay.get(connection) ?? 0;
    this.#underWay.set(connection, used + costOf(bytes));
  }

  /** A message came back, with as many bytes as were sent. */
  ordered(connection: number, bytes: number): void {
    const left = (this.#underWay.get(connection) ?? 0) - costOf(bytes);
    if (left > 0) this.#underWay.set(connection, left);
    else this.#underWay.delete(connection);
  }

  /** Clients with something under way. */
  get size(): number {
    return this.#underWay.size;
  }
}

function costOf(bytes: number): number {
  return bytes + MESSAGE_COST;
}
