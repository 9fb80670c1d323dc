/**
 * What the clients of the lock service were told in a run, and where in the total order each node stood: all
 * that the lock checkers see. Places (`at`) are numbered through in the order in which things happened.
 */

/** `1` protected read, `2` exclusive, as on the wire. */
export type Mode = 1 | 2;

export interface LockAttempt {
  readonly node: number;
  readonly incarnation: number;
  readonly client: string;
  readonly resource: string;
  readonly mode: Mode;
  readonly noQueue: boolean;
  readonly invoked: number;
  /** Told that it is granted. */
  granted?: { readonly at: number; readonly token: bigint };
  /** Told that it is not: NOT_QUEUED by the lock's state, anything else without effect. */
  refused?: { readonly at: number; readonly why: 'not-queued' | 'no-effect' };
  /** From here on the client does not believe to hold it: it gave it up, was told of its loss, or is dead. */
  ended?: { readonly at: number; readonly why: 'unlock' | 'lost' | 'dead' };
  /** Told that its unlock was done. */
  unlocked?: number;
}

/** A node applied an event of the lock service. */
export interface Applied {
  readonly at: number;
  readonly order: bigint;
  readonly quorate: boolean;
  readonly members: readonly number[];
}

export interface LockHistory {
  readonly attempts: LockAttempt[];
  /** Per life of a node, see {@link lifeOf}. */
  readonly applied: Map<string, Applied[]>;
  /** Requests that were unanswered when the cluster was whole and quiet. */
  readonly unanswered: LockAttempt[];
  /** The next place. */
  tick(): number;
  noteApplied(node: number, incarnation: number, event: Omit<Applied, 'at'>): void;
  /** The process of this node is gone, and its clients with it. */
  noteFailed(node: number): void;
}

export const lifeOf = (node: number, incarnation: number): string => `${node}.${incarnation}`;

export function createLockHistory(): LockHistory {
  let at = 0;
  const attempts: LockAttempt[] = [];
  const applied = new Map<string, Applied[]>();
  return {
    attempts,
    applied,
    unanswered: [],
    tick() {
      at += 1;
      return at;
    },
    noteApplied(node, incarnation, event) {
      const life = lifeOf(node, incarnation);
      const list = applied.get(life) ?? [];
      at += 1;
      list.push({ at, ...event });
      applied.set(life, list);
    },
    noteFailed(node) {
      at += 1;
      for (const attempt of attempts) {
        if (attempt.node === node) attempt.ended ??= { at, why: 'dead' };
      }
    },
  };
}
