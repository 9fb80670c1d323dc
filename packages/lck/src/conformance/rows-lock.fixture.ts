/** The table's rows on locking, unlocking and purging (AIS B.1 rules 1 to 9 and 11). */
import { SA_TIME_ONE_MILLISECOND } from '@aisexec/ais';
import type { SaLckLockIdT, SaLckResourceHandleT } from '../client/literal-types.ts';
import {
  SA_LCK_EX_LOCK_MODE as EX,
  SA_LCK_LOCK_NO_QUEUE as NO_QUEUE,
  SA_LCK_LOCK_ORPHAN as ORPHAN,
  SA_LCK_PR_LOCK_MODE as PR,
  type SaLckLockModeT,
} from '../protocol.ts';
import { type Case, END } from './case.fixture.ts';
import { codeText, type Outcome, outcomeText, type Row, type Run, row } from './row.fixture.ts';

const SHORT = 5n * SA_TIME_ONE_MILLISECOND;
const LOCKS_MAX = 4_000;
const BATCH = 100;

const locks =
  (mode: number, flags: number, timeout = END): Run =>
  (c) =>
    c.sa.saLckResourceLock(c.resource, mode as SaLckLockModeT, flags, 0n, timeout);

/** The same through LockAsync: what it returned, or what its callback said. */
const locksAsync =
  (mode: number, flags: number): Run =>
  async (c) => {
    const { rc } = await c.sa.saLckResourceLockAsync(c.resource, 7n, mode as 1, flags, 0n);
    if (rc !== 1) return (await c.settled()).length === 0 ? { rc } : 'a callback';
    return grantText(await c.callback('grant'));
  };

function grantText([, invocation, status, rc, token]: readonly unknown[]): string {
  const granted = status === 1;
  if (invocation !== 7n || granted !== (token as bigint) > 0n) return `callback ${invocation}`;
  if (status === 0) return codeText(rc);
  return outcomeText({ rc, lockStatus: status } as Outcome);
}

/** What others hold and what is asked then: through LockSync and LockAsync alike. */
const contention: readonly (readonly [
  expected: string,
  when: string,
  prepare: (c: Case) => Promise<unknown>,
  mode: number,
  flags: number,
])[] = [
  ['OK GRANTED', 'EX, the resource is free', async () => undefined, EX, 0],
  ['OK GRANTED', 'PR, others read', (c) => c.held(c.theirs, PR), PR, 0],
  ['OK NOT_QUEUED', 'NO_QUEUE EX, another writes', (c) => c.held(c.theirs, EX), EX, NO_QUEUE],
  ['OK NOT_QUEUED', 'NO_QUEUE PR, another writes', (c) => c.held(c.theirs, EX), PR, NO_QUEUE],
  ['OK NOT_QUEUED', 'NO_QUEUE EX, another reads', (c) => c.held(c.theirs, PR), EX, NO_QUEUE],
  ['OK GRANTED', 'NO_QUEUE PR, another reads', (c) => c.held(c.theirs, PR), PR, NO_QUEUE],
  ['OK DUPLICATE_EX', 'EX, held EX through the same handle', (c) => c.held(c.resource), EX, 0],
  [
    'OK DUPLICATE_EX',
    'NO_QUEUE EX, held EX through the same handle',
    (c) => c.held(c.resource),
    EX,
    NO_QUEUE,
  ],
  ['OK DEADLOCK', 'PR, the client itself writes', (c) => c.held(c.resource), PR, 0],
  ['OK DEADLOCK', 'EX, the client itself reads', (c) => c.held(c.resource, PR), EX, 0],
  [
    'OK DEADLOCK',
    'EX, the client writes through another open',
    async (c) => c.held(await c.open(c.handle)),
    EX,
    0,
  ],
  [
    'OK NOT_QUEUED',
    'NO_QUEUE PR, the client itself writes',
    (c) => c.held(c.resource),
    PR,
    NO_QUEUE,
  ],
  ['OK DEADLOCK', 'it would close a cycle with a client of another node', waitsInCycle, EX, 0],
  ['OK ORPHANED', 'ORPHAN, an orphan is in the way', leavesOrphan, EX, ORPHAN],
  ['OK ORPHANED', 'ORPHAN PR, an exclusive orphan is in the way', leavesOrphan, PR, ORPHAN],
  [
    'OK ORPHANED',
    'ORPHAN and NO_QUEUE, an orphan is in the way',
    leavesOrphan,
    EX,
    ORPHAN | NO_QUEUE,
  ],
  ['OK NOT_QUEUED', 'NO_QUEUE, an orphan is in the way', leavesOrphan, EX, NO_QUEUE],
  ['INVALID_PARAM', 'mode 0', async () => undefined, 0, 0],
  ['INVALID_PARAM', 'an unknown mode', async () => undefined, 3, 0],
  ['BAD_FLAGS', 'an unknown flag', async () => undefined, EX, 4],
  ['BAD_FLAGS', 'negative flags', async () => undefined, EX, -1],
];

/** The other client waits for what this one holds, and holds what this one is about to ask for. */
async function waitsInCycle(c: Case): Promise<void> {
  const name = c.name('second');
  const mine = await c.open(c.handle, name);
  await c.held(mine);
  await c.held(c.theirs);
  const out: { lockId?: SaLckLockIdT } = {};
  c.sa.saLckResourceLock(await c.open(c.creator, name), EX, 0, 9n, END, out);
  await c.callback('waiter');
}

/** A third client's exclusive lock stays behind; purged when the case ends. */
async function leavesOrphan(c: Case): Promise<void> {
  const third = await c.initialize();
  const resource = await c.open(third);
  await c.held(resource, EX, ORPHAN);
  await c.sa.saLckResourceClose(resource);
}

/** Rows that leave an orphan take it away again. */
const purging =
  (run: Run): Run =>
  async (c) => {
    const outcome = await run(c);
    await c.sa.saLckLockPurge(c.theirs);
    return outcome;
  };

const locking: readonly Row[] = contention.flatMap(([expected, when, prepare, mode, flags]) => {
  const after = (run: Run) =>
    purging(async (c) => {
      await prepare(c);
      c.calls.length = 0;
      return run(c);
    });
  return [
    row('saLckResourceLock', expected, when, after(locks(mode, flags))),
    row('saLckResourceLockAsync', expected, when, after(locksAsync(mode, flags))),
  ];
});

const times: readonly Row[] = [
  row('saLckResourceLock', 'TIMEOUT', 'time-out 0', locks(EX, 0, 0n)),
  row('saLckResourceLock', 'TIMEOUT', 'a negative time-out', locks(EX, 0, -1n)),
  row('saLckResourceLock', 'TIMEOUT', 'the time is over while it waits', async (c) => {
    await c.held(c.theirs);
    return locks(EX, 0, SHORT)(c);
  }),
  row(
    'saLckResourceLock',
    'OK GRANTED',
    'another asks after a time-out of 1 ns: no late grant',
    async (c) => {
      const late = await c.sa.saLckResourceLock(c.resource, EX, 0, 0n, 1n);
      if (late.rc !== 5) return late;
      await c.settled();
      return c.sa.saLckResourceLock(c.theirs, EX, NO_QUEUE, 0n, END);
    },
  ),
  row('saLckResourceLock', 'NOT_EXIST', 'the pending id is unlocked', async (c) => {
    await c.held(c.theirs);
    const out: { lockId?: SaLckLockIdT } = {};
    const waits = c.sa.saLckResourceLock(c.resource, EX, 0, 0n, END, out);
    await c.sa.saLckResourceUnlock(out.lockId!, END);
    return waits;
  }),
  row('saLckResourceLock', 'OK GRANTED', 'the orphan before it is purged', async (c) => {
    await leavesOrphan(c);
    const waits = locks(EX, 0)(c);
    await c.sa.saLckLockPurge(c.theirs);
    return waits;
  }),
  row(
    'saLckResourceLock',
    'OK GRANTED',
    'a pending ORPHAN request was closed: no orphan',
    async (c) => {
      const held = await c.held(c.theirs);
      await c.sa.saLckResourceLockAsync(c.resource, 1n, EX, ORPHAN, 0n);
      await c.sa.saLckResourceClose(c.resource);
      await c.sa.saLckResourceUnlock(held, END);
      return c.sa.saLckResourceLock(c.theirs, EX, NO_QUEUE, 0n, END);
    },
  ),
  row(
    'saLckResourceLock',
    'a higher token',
    'granted again after another node’s turn',
    async (c) => {
      const token = async (resource: SaLckResourceHandleT) => {
        const { lockId, fencingToken = 0n } = await c.sa.saLckResourceLock(
          resource,
          EX,
          0,
          0n,
          END,
        );
        await c.sa.saLckResourceUnlock(lockId!, END);
        return fencingToken;
      };
      const tokens = [await token(c.resource), await token(c.theirs), await token(c.resource)];
      const rises = tokens.every((value, i) => value > (tokens[i - 1] ?? 0n));
      return rises ? 'a higher token' : tokens.join(', ');
    },
  ),
];

/** All 4,000 locks of a client, and one more. */
const overLimit =
  (major: number): Run =>
  async (c) => {
    const handle = await c.initialize({ major });
    const resource = await c.open(handle);
    const lock = () => c.sa.saLckResourceLock(resource, PR, 0, 0n, END);
    for (let done = 0; done < LOCKS_MAX; done += BATCH) {
      const granted = await Promise.all(Array.from({ length: BATCH }, lock));
      const refused = granted.find(({ lockStatus }) => lockStatus !== 1);
      if (refused !== undefined) return refused;
    }
    return lock();
  };

const limits: readonly Row[] = [
  row('saLckResourceLock', 'NO_RESOURCES', 'over the limit, handle of B.03.01', overLimit(3)),
  row('saLckResourceLock', 'OK NO_MORE', 'over the limit, handle of B.01.01', overLimit(1)),
];

const callbacks: readonly Row[] = [
  row('saLckResourceLockAsync', 'INIT', 'there is no callback for it', (c) =>
    c.sa.saLckResourceLockAsync(c.theirs, 1n, EX, 0, 0n),
  ),
  row('LockGrantCallback', 'OK GRANTED', 'the holder on another node unlocks', async (c) => {
    const held = await c.held(c.theirs);
    await c.sa.saLckResourceLockAsync(c.resource, 7n, EX, 0, 0n);
    await c.sa.saLckResourceUnlock(held, END);
    return grantText(await c.callback('grant'));
  }),
  row('LockGrantCallback', 'NOT_EXIST', 'the pending id is unlocked', async (c) => {
    await c.held(c.theirs);
    const { lockId } = await c.sa.saLckResourceLockAsync(c.resource, 7n, EX, 0, 0n);
    await c.sa.saLckResourceUnlock(lockId!, END);
    return grantText(await c.callback('grant'));
  }),
  row('LockGrantCallback', 'exactly one', 'granted, unlocked, closed', async (c) => {
    const { lockId } = await c.sa.saLckResourceLockAsync(c.resource, 7n, EX, 0, 0n);
    await c.callback('grant');
    await c.sa.saLckResourceUnlock(lockId!, END);
    await c.sa.saLckResourceClose(c.resource);
    return (await c.settled()).length === 0 ? 'exactly one' : 'several';
  }),
  row(
    'LockWaiterCallback',
    'signal 99, EX held, PR requested',
    'a lock blocks a request of another node',
    async (c) => {
      const held = await c.held(c.resource);
      await blockedBy(c, PR, 99n);
      const [, signal, lockId, has, wants] = await c.callback('waiter');
      const right = lockId === held && has === EX && wants === PR;
      return right ? `signal ${signal}, EX held, PR requested` : `lock ${lockId}, ${has}, ${wants}`;
    },
  ),
  row('LockWaiterCallback', 'one for each request', 'two requests are blocked', async (c) => {
    await c.held(c.resource);
    await blockedBy(c, EX, 1n);
    await blockedBy(c, EX, 2n);
    const signals = [(await c.callback('waiter'))[1], (await c.callback('waiter'))[1]];
    const more = (await c.settled()).length;
    return String(signals) === '1,2' && more === 0 ? 'one for each request' : `${signals}, ${more}`;
  }),
  row('LockWaiterCallback', 'told of the one that still waits', 'a new holder', async (c) => {
    const held = await c.held(c.theirs);
    await c.sa.saLckResourceLockAsync(c.resource, 7n, EX, 0, 0n);
    // Ordered after that request: this client's next request comes back.
    await c.open(c.handle);
    await blockedBy(c, EX, 5n, await c.initialize({ node: c.placement.creator }));
    await c.sa.saLckResourceUnlock(held, END);
    await c.callback('grant');
    const [, signal] = await c.callback('waiter');
    return signal === 5n ? 'told of the one that still waits' : String(signal);
  }),
  row('LockWaiterCallback', 'none', 'the request is NO_QUEUE', async (c) => {
    await c.held(c.resource);
    await c.sa.saLckResourceLock(c.theirs, EX, NO_QUEUE, 1n, END);
    return (await c.settled()).length === 0 ? 'none' : 'one';
  }),
];

/** The creator's client asks, and its request is in the queue. */
async function blockedBy(
  c: Case,
  mode: SaLckLockModeT,
  signal: bigint,
  handle = c.creator,
): Promise<void> {
  c.sa.saLckResourceLock(await c.open(handle), mode, 0, signal, END);
  await c.open(handle);
}

const unlocking: readonly Row[] = [
  row('saLckResourceUnlock', 'OK', 'it is held', async (c) =>
    c.sa.saLckResourceUnlock(await c.held(c.resource), END),
  ),
  row('saLckResourceUnlock', 'NOT_EXIST', 'unlocked already', async (c) => {
    const lockId = await c.held(c.resource);
    await c.sa.saLckResourceUnlock(lockId, END);
    return c.sa.saLckResourceUnlock(lockId, END);
  }),
  row('saLckResourceUnlock', 'NOT_EXIST', 'its resource was closed', async (c) => {
    const lockId = await c.held(c.resource);
    await c.sa.saLckResourceClose(c.resource);
    return c.sa.saLckResourceUnlock(lockId, END);
  }),
  row('saLckResourceUnlock', 'TIMEOUT', 'time-out 0', async (c) =>
    c.sa.saLckResourceUnlock(await c.held(c.resource), 0n),
  ),
  row('saLckResourceUnlock', 'OK NOT_QUEUED', 'time-out 0: the lock is held on', async (c) => {
    await c.sa.saLckResourceUnlock(await c.held(c.resource), 0n);
    return c.sa.saLckResourceLock(c.theirs, EX, NO_QUEUE, 0n, END);
  }),
  row('saLckResourceUnlockAsync', 'callback 8 OK', 'it is held', async (c) => {
    await c.sa.saLckResourceUnlockAsync(8n, await c.held(c.resource));
    const [, invocation, rc] = await c.callback('unlock');
    return `callback ${invocation} ${codeText(rc)}`;
  }),
  row('saLckResourceUnlockAsync', 'NOT_EXIST', 'unlocked already', async (c) => {
    const lockId = await c.held(c.resource);
    await c.sa.saLckResourceUnlock(lockId, END);
    return c.sa.saLckResourceUnlockAsync(8n, lockId);
  }),
  row('saLckResourceUnlockAsync', 'INIT', 'there is no callback for it', async (c) =>
    c.sa.saLckResourceUnlockAsync(8n, await c.held(c.theirs)),
  ),
  row('saLckLockPurge', 'OK', 'there is no orphan', (c) => c.sa.saLckLockPurge(c.resource)),
  row('saLckLockPurge', 'OK', 'there is an orphan', async (c) => {
    await leavesOrphan(c);
    return c.sa.saLckLockPurge(c.resource);
  }),
  row(
    'saLckLockPurge',
    'OK NOT_QUEUED',
    'a lock with ORPHAN whose owner lives: it stays',
    async (c) => {
      const lockId = await c.held(c.theirs, EX, ORPHAN);
      await c.sa.saLckLockPurge(c.resource);
      const outcome = await c.sa.saLckResourceLock(c.resource, EX, NO_QUEUE, 0n, END);
      await c.sa.saLckResourceUnlock(lockId, END);
      return outcome;
    },
  ),
  row('lifetime', 'OK', 'everybody has closed, an orphan remains', async (c) => {
    await leavesOrphan(c);
    await c.sa.saLckResourceClose(c.resource);
    await c.sa.saLckResourceClose(c.theirs);
    const opened = await c.sa.saLckResourceOpen(c.handle, c.name(), 0, END);
    await c.sa.saLckLockPurge(opened.lockResourceHandle!);
    return opened;
  }),
];

export const LOCK_ROWS: readonly Row[] = [
  ...locking,
  ...times,
  ...limits,
  ...callbacks,
  ...unlocking,
];
