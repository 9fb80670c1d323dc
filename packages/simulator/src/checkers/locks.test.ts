/** The lock checkers on hand-made histories: the good one passes, each bad one breaks the property it should. */
import { describe, expect, test } from '@jest/globals';
import {
  createLockHistory,
  type LockAttempt,
  type LockHistory,
  type Mode,
} from './lock-history.ts';
import { checkLocks } from './locks.ts';

const MEMBERS = [1, 2, 3];

/** Node `node` asks, and all nodes in `view` apply the grant at `order`. */
function grant(
  history: LockHistory,
  node: number,
  mode: Mode,
  order: bigint,
  view: readonly number[] = MEMBERS,
): LockAttempt {
  const attempt: LockAttempt = {
    node,
    incarnation: 1,
    client: `${node}`,
    resource: 'r',
    mode,
    noQueue: false,
    invoked: history.tick(),
  };
  history.attempts.push(attempt);
  apply(history, order, view);
  attempt.granted = { at: history.tick(), token: order };
  return attempt;
}

function apply(history: LockHistory, order: bigint, view: readonly number[] = MEMBERS): void {
  for (const node of view) history.noteApplied(node, 1, { order, quorate: true, members: view });
}

function unlock(history: LockHistory, attempt: LockAttempt, order: bigint): void {
  attempt.ended = { at: history.tick(), why: 'unlock' };
  apply(history, order);
  attempt.unlocked = history.tick();
}

const broken = (history: LockHistory) =>
  [...new Set(checkLocks(history, 3).violations.map(({ property }) => property))].sort();

describe('lock checkers', () => {
  test('locks that follow each other, and readers together, are clean', () => {
    const history = createLockHistory();
    unlock(history, grant(history, 1, 2, 10n), 11n);
    const readers = [grant(history, 2, 1, 12n), grant(history, 3, 1, 13n)];
    readers.forEach((reader, i) => {
      unlock(history, reader, 14n + BigInt(i));
    });
    grant(history, 1, 2, 16n);
    apply(history, 17n);
    expect(checkLocks(history, 3)).toEqual({ violations: [], grants: 4, undecided: 0 });
  });

  test.each<[string, Mode, Mode]>([
    ['two writers', 2, 2],
    ['a reader beside a writer', 2, 1],
    ['a writer beside a reader', 1, 2],
  ])('%s at once break exclusion and linearizability', (_what, first, second) => {
    const history = createLockHistory();
    grant(history, 1, first, 10n);
    grant(history, 2, second, 11n);
    apply(history, 12n);
    expect(broken(history)).toEqual(['exclusion', 'linearizability']);
  });

  test('a holder that is cut off may believe until its node hears of it, and no longer', () => {
    const history = createLockHistory();
    const stale = grant(history, 1, 2, 10n);
    grant(history, 2, 2, 20n, [2, 3]);
    expect(broken(history)).toEqual([]);
    history.noteApplied(1, 1, { order: 30n, quorate: true, members: MEMBERS });
    stale.ended = { at: history.tick(), why: 'lost' };
    history.noteApplied(1, 1, { order: 31n, quorate: true, members: MEMBERS });
    expect(broken(history)).toEqual([]);
    stale.ended = { at: history.tick(), why: 'lost' };
    expect(broken(history)).toEqual(['exclusion']);
  });

  test('a token that repeats or falls breaks the rule of tokens', () => {
    const repeats = createLockHistory();
    unlock(repeats, grant(repeats, 1, 2, 10n), 11n);
    const again = grant(repeats, 2, 2, 12n);
    again.granted = { at: again.granted!.at, token: 10n };
    expect(broken(repeats)).toContain('token');
  });

  test('a grant in a view without majority, or at no place of the order, breaks quorum', () => {
    const minority = createLockHistory();
    grant(minority, 1, 2, 10n, [1]);
    expect(broken(minority)).toEqual(['quorum']);
    const nowhere = createLockHistory();
    const attempt = grant(nowhere, 1, 2, 10n);
    attempt.granted = { at: attempt.granted!.at, token: 9n };
    expect(broken(nowhere)).toEqual(['quorum']);
  });

  test('a refusal of a free lock is not linearizable; one whose holder died unnoticed is', () => {
    const refuse = (history: LockHistory) => {
      const invoked = history.tick();
      const head = { node: 2, incarnation: 1, client: '2', resource: 'r', mode: 2 as const };
      const refused = { at: history.tick(), why: 'not-queued' as const };
      history.attempts.push({ ...head, noQueue: true, invoked, refused });
    };
    const free = createLockHistory();
    unlock(free, grant(free, 1, 2, 10n), 11n);
    refuse(free);
    expect(broken(free)).toEqual(['linearizability']);
    const dead = createLockHistory();
    grant(dead, 1, 2, 10n);
    dead.noteFailed(1);
    refuse(dead);
    expect(broken(dead)).toEqual([]);
  });

  test('a request without an answer in the end is a lost waiter', () => {
    const history = createLockHistory();
    history.unanswered.push(grant(history, 1, 2, 10n));
    expect(broken(history)).toEqual(['lost waiter']);
  });
});
