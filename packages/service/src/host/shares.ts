/**
 * How much of this node's way into the order each process may take (ADR 0193, 0225): what was multicast for its clients
 * and was not delivered here yet. Whoever has its share under way waits for its own messages to come back, and so nobody
 * else's wait behind them in the ring's queue. Shares are equal; one is always left for whoever comes next. There is less
 * to share while somebody asks for little: that process wants its answers soon, not many (ADR 0227).
 */
import {
  MESSAGE_COST,
  MODEST_MESSAGES,
  UNORDERED_COST_BESIDE_MODEST_MAX,
  UNORDERED_COST_MAX,
} from '../limits.ts';

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
  /** Who had so much under way that it is no modest one, until nothing of it is. */
  readonly #greedy = new Set<Sharer>();
  /** Who has sent lately and never had so much, with the number of its last message, oldest first. */
  readonly #modest = new Map<Sharer, number>();
  #messages = 0;

  /** Whether one more message may follow; a sharer that has nothing under way always may. */
  mayMulticast(sharer: Sharer): boolean {
    const used = this.#shares.get(sharer);
    if (used === undefined) return true;
    const isBeside = this.#isBesideModest(sharer);
    return used < this.#share(isBeside ? UNORDERED_COST_BESIDE_MODEST_MAX : UNORDERED_COST_MAX);
  }

  sent(connection: number, sharer: Sharer, bytes: number): void {
    const underWay = this.#underWay.get(connection);
    if (underWay === undefined) this.#underWay.set(connection, { sharer, cost: costOf(bytes) });
    else underWay.cost += costOf(bytes);
    const used = (this.#shares.get(sharer) ?? 0) + costOf(bytes);
    this.#shares.set(sharer, used);
    this.#messages++;
    this.#modest.delete(sharer);
    if (used >= this.#share(UNORDERED_COST_BESIDE_MODEST_MAX)) this.#greedy.add(sharer);
    else if (!this.#greedy.has(sharer)) this.#modest.set(sharer, this.#messages);
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
    else {
      this.#shares.delete(sharer);
      this.#greedy.delete(sharer);
    }
    return sharer;
  }

  /** Sharers with something under way. */
  get size(): number {
    return this.#shares.size;
  }

  #share(cost: number): number {
    return cost / (this.#shares.size + 1);
  }

  /** Lately is counted in messages: the host has no clock, and what matters is how many were between. */
  #isBesideModest(sharer: Sharer): boolean {
    for (const [modest, last] of this.#modest) {
      if (this.#messages - last < MODEST_MESSAGES) break;
      this.#modest.delete(modest);
    }
    return this.#modest.size > (this.#modest.has(sharer) ? 1 : 0);
  }
}

function costOf(bytes: number): number {
  return bytes + MESSAGE_COST;
}
