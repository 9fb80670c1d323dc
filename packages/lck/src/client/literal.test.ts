/** The return codes and the behaviour of AIS B.1, function by function, through the literal layer. */
import {
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_TIME_END,
  SA_TIME_ONE_MILLISECOND,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import {
  SA_LCK_RESOURCE_CREATE as CREATE,
  SA_LCK_EX_LOCK_MODE as EX,
  SA_LCK_PR_LOCK_MODE as PR,
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_DUPLICATE_EX,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_MORE,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
  SA_LCK_MAX_NUM_LOCKS_ID,
} from '../protocol.ts';
import { WAITERS_QUEUED_MAX } from './limits.ts';
import { createSaLck } from './literal.ts';
import type {
  SaLckCallbacksT,
  SaLckHandleT,
  SaLckLockIdT,
  SaLckResourceHandleT,
} from './literal-types.ts';

const B01 = () => ({ releaseCode: 'B', majorVersion: 1, minorVersion: 1 });
const B03 = () => ({ releaseCode: 'B', majorVersion: 3, minorVersion: 1 });
const NONE = 12345n as SaLckHandleT & SaLckResourceHandleT & SaLckLockIdT;
const SHORT = 5n * SA_TIME_ONE_MILLISECOND;

type Calls = unknown[][];

/** All callbacks, each noted with its arguments. */
function noting(): { calls: Calls; callbacks: SaLckCallbacksT } {
  const calls: Calls = [];
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void calls.push([name, ...args]);
  const callbacks = {
    saLckResourceOpenCallback: note('open'),
    saLckLockGrantCallback: note('grant'),
    saLckLockWaiterCallback: note('waiter'),
    saLckResourceUnlockCallback: note('unlock'),
    aisexecLockLostCallback: note('lost'),
  };
  return { calls, callbacks };
}

async function library(version = B03(), nodes = 1, node = 1) {
  const env = createClientCluster(nodes);
  const sa = createSaLck();
  const start = async (callbacks: SaLckCallbacksT | null = null, on = node) => {
    const { rc, lckHandle } = await sa.saLckInitialize(
      callbacks,
      { ...version },
      {
        connector: env.connector(on),
      },
    );
    expect(rc).toBe(SA_AIS_OK);
    return lckHandle as SaLckHandleT;
  };
  const open = async (handle: SaLckHandleT, name = 'r') => {
    const opened = await sa.saLckResourceOpen(handle, name, CREATE, SA_TIME_END);
    expect(opened.rc).toBe(SA_AIS_OK);
    return opened.lockResourceHandle as SaLckResourceHandleT;
  };
  const { calls, callbacks } = noting();
  const handle = await start(callbacks);
  const resource = await open(handle);
  /** Lets everything arrive: an ordered call of another client comes back after what was sent before. */
  const flush = async () => {
    const other = await start(null);
    await open(other, 'flush');
    await sa.saLckFinalize(other);
  };
  const dispatch = async (on = handle) => {
    await flush();
    expect(await sa.saLckDispatch(on, SA_DISPATCH_ALL)).toEqual({ rc: SA_AIS_OK });
    return calls.splice(0);
  };
  return { ...env, sa, start, open, calls, callbacks, handle, resource, dispatch, flush };
}

describe('life cycle', () => {
  test('the version is negotiated and rewritten, wrong ones are VERSION', async () => {
    const { sa, connector } = await library();
    const connect = { connector: connector(1) };
    for (const [asked, rc, got] of [
      [B01(), SA_AIS_OK, B01()],
      [{ ...B01(), majorVersion: 2 }, SA_AIS_OK, B03()],
      [{ ...B01(), minorVersion: 200 }, SA_AIS_OK, B01()],
      [{ ...B01(), majorVersion: 4 }, SA_AIS_ERR_VERSION, B03()],
      [{ ...B01(), majorVersion: 0 }, SA_AIS_ERR_VERSION, B03()],
      [{ ...B01(), releaseCode: 'A' }, SA_AIS_ERR_VERSION, B03()],
      [{ ...B01(), releaseCode: 'C' }, SA_AIS_ERR_VERSION, B03()],
    ] as const) {
      expect((await sa.saLckInitialize(null, asked, connect)).rc).toBe(rc);
      expect(asked).toEqual(got);
    }
    expect((await sa.saLckInitialize(null, null, connect)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('every function answers BAD_HANDLE to a handle that never was or is finalised', async () => {
    const { sa, handle, resource } = await library();
    const { lockId } = await sa.saLckResourceLock(resource, PR, 0, 0n, SA_TIME_END);
    const all = async (h: SaLckHandleT, r: SaLckResourceHandleT) => [
      await sa.saLckSelectionObjectGet(h),
      await sa.saLckOptionCheck(h),
      await sa.saLckDispatch(h, SA_DISPATCH_ALL),
      await sa.saLckResourceOpen(h, 'r', CREATE, SA_TIME_END),
      await sa.saLckResourceOpenAsync(h, 1n, 'r', CREATE),
      await sa.saLckResourceClose(r),
      await sa.saLckResourceLock(r, EX, 0, 0n, SA_TIME_END),
      await sa.saLckResourceLockAsync(r, 1n, EX, 0, 0n),
      await sa.saLckLockPurge(r),
      await sa.saLckLimitGet(h, SA_LCK_MAX_NUM_LOCKS_ID),
      await sa.saLckFinalize(h),
    ];
    const bad = Array.from({ length: 11 }, () => ({ rc: SA_AIS_ERR_BAD_HANDLE }));
    expect(await all(NONE, NONE)).toEqual(bad);
    expect(await sa.saLckResourceUnlock(NONE, SA_TIME_END)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    expect(await sa.saLckFinalize(handle)).toEqual({ rc: SA_AIS_OK });
    expect(await all(handle, resource)).toEqual(bad);
    const unlocked = await sa.saLckResourceUnlock(lockId as SaLckLockIdT, SA_TIME_END);
    expect(unlocked).toEqual({ rc: SA_AIS_ERR_BAD_HANDLE });
  });

  test('dispatch refuses flags it does not know and serves BLOCKING until finalised', async () => {
    const { sa, handle, resource, calls } = await library();
    expect(await sa.saLckDispatch(handle, 0)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    expect(await sa.saLckDispatch(handle, 4)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    const blocking = sa.saLckDispatch(handle, SA_DISPATCH_BLOCKING);
    const { selectionObject } = await sa.saLckSelectionObjectGet(handle);
    const ready = selectionObject?.ready();
    await sa.saLckResourceLockAsync(resource, 9n, EX, 0, 0n);
    await ready;
    await sa.saLckFinalize(handle);
    expect(await blocking).toEqual({ rc: SA_AIS_OK });
    expect(calls.map(([name]) => name)).toEqual(['grant']);
  });

  test('options and limit are the service’s own words; the limit is of B.03', async () => {
    const { sa, handle } = await library();
    expect(await sa.saLckOptionCheck(handle)).toEqual({ rc: SA_AIS_OK, lckOptions: 3 });
    const limit = await sa.saLckLimitGet(handle, SA_LCK_MAX_NUM_LOCKS_ID);
    expect(limit).toEqual({ rc: SA_AIS_OK, limitValue: 4_000n });
    expect(await sa.saLckLimitGet(handle, 2)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    const old = await library(B01());
    expect(await old.sa.saLckLimitGet(old.handle, SA_LCK_MAX_NUM_LOCKS_ID)).toEqual({
      rc: SA_AIS_ERR_VERSION,
    });
  });

  test('a wrong JavaScript type throws', async () => {
    const { sa, handle, resource } = await library();
    const wrong = 5 as unknown as bigint;
    await expect(sa.saLckDispatch(wrong as SaLckHandleT, 1)).rejects.toThrow(TypeError);
    await expect(sa.saLckResourceOpen(handle, 'r', CREATE, wrong)).rejects.toThrow(TypeError);
    await expect(sa.saLckResourceLock(resource, EX, 0, wrong, 1n)).rejects.toThrow(TypeError);
    const callbacks = { saLckLockGrantCallback: 1 } as unknown as SaLckCallbacksT;
    await expect(sa.saLckInitialize(callbacks, B03())).rejects.toThrow(TypeError);
  });
});

describe('opening and closing', () => {
  test.each([
    ['no name', null, CREATE, SA_TIME_END, SA_AIS_ERR_INVALID_PARAM],
    ['an empty name', '', CREATE, SA_TIME_END, SA_AIS_ERR_INVALID_PARAM],
    ['a name of 257 bytes', 'x'.repeat(257), CREATE, SA_TIME_END, SA_AIS_ERR_INVALID_PARAM],
    ['a name of 256 bytes', 'x'.repeat(256), CREATE, SA_TIME_END, SA_AIS_OK],
    ['unknown flags', 'x', 2, SA_TIME_END, SA_AIS_ERR_BAD_FLAGS],
    ['negative flags', 'x', -1, SA_TIME_END, SA_AIS_ERR_BAD_FLAGS],
    ['no such resource', 'x', 0, SA_TIME_END, SA_AIS_ERR_NOT_EXIST],
    ['an existing one', 'r', 0, SA_TIME_END, SA_AIS_OK],
    ['no time at all', 'r', 0, 0n, SA_AIS_ERR_TIMEOUT],
    ['negative time', 'r', 0, -1n, SA_AIS_ERR_TIMEOUT],
  ])('ResourceOpen with %s', async (_what, name, flags, timeout, rc) => {
    const { sa, handle } = await library();
    expect((await sa.saLckResourceOpen(handle, name, flags, timeout)).rc).toBe(rc);
  });

  test('ResourceOpenAsync answers through its callback, once, or not at all', async () => {
    const { sa, handle, start, dispatch } = await library();
    const mute = await start(null);
    expect((await sa.saLckResourceOpenAsync(mute, 1n, 'r', 0)).rc).toBe(SA_AIS_ERR_INIT);
    expect((await sa.saLckResourceOpenAsync(handle, 1n, null, 0)).rc).toBe(
      SA_AIS_ERR_INVALID_PARAM,
    );
    expect((await sa.saLckResourceOpenAsync(handle, 1n, 'r', 8)).rc).toBe(SA_AIS_ERR_BAD_FLAGS);
    expect((await sa.saLckResourceOpenAsync(handle, 2n, 'absent', 0)).rc).toBe(SA_AIS_OK);
    expect((await sa.saLckResourceOpenAsync(handle, 3n, 'r', 0)).rc).toBe(SA_AIS_OK);
    const calls = await dispatch();
    expect(calls).toEqual([
      ['open', 2n, 0n, SA_AIS_ERR_NOT_EXIST],
      ['open', 3n, expect.any(BigInt), SA_AIS_OK],
    ]);
    const opened = calls[1]?.[2] as SaLckResourceHandleT;
    expect(await sa.saLckResourceClose(opened)).toEqual({ rc: SA_AIS_OK });
    expect(await sa.saLckResourceClose(opened)).toEqual({ rc: SA_AIS_ERR_BAD_HANDLE });
  });

  test('closing releases, and drops what was queued for the open', async () => {
    const { sa, resource, start, open, flush, dispatch } = await library();
    const other = await start(null);
    const theirs = await open(other);
    await sa.saLckResourceLockAsync(resource, 1n, EX, 0, 0n);
    const waits = sa.saLckResourceLock(theirs, EX, 0, 0n, SA_TIME_END);
    await flush();
    expect(await sa.saLckResourceClose(resource)).toEqual({ rc: SA_AIS_OK });
    expect((await waits).lockStatus).toBe(SA_LCK_LOCK_GRANTED);
    expect(await dispatch()).toEqual([]);
  });
});

describe('locking', () => {
  test.each([
    ['an unknown mode', 3, 0, SA_TIME_END, SA_AIS_ERR_INVALID_PARAM],
    ['mode 0', 0, 0, SA_TIME_END, SA_AIS_ERR_INVALID_PARAM],
    ['unknown flags', EX, 4, SA_TIME_END, SA_AIS_ERR_BAD_FLAGS],
    ['no time', EX, 0, 0n, SA_AIS_ERR_TIMEOUT],
    ['both flags', EX, 3, SA_TIME_END, SA_AIS_OK],
  ])('ResourceLock with %s', async (_what, mode, flags, timeout, rc) => {
    const { sa, resource } = await library();
    expect((await sa.saLckResourceLock(resource, mode as 1, flags, 0n, timeout)).rc).toBe(rc);
  });

  test('a grant has an id and a token; contention is a status', async () => {
    const { sa, handle, resource, start, open } = await library();
    const held = await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    expect(held).toEqual({
      rc: SA_AIS_OK,
      lockId: expect.any(BigInt),
      lockStatus: SA_LCK_LOCK_GRANTED,
      fencingToken: expect.any(BigInt),
    });
    const second = await open(handle);
    const theirs = await open(await start(null));
    const status = async (r: SaLckResourceHandleT, mode: 1 | 2, flags = 0) =>
      (await sa.saLckResourceLock(r, mode, flags, 0n, SA_TIME_END)).lockStatus;
    expect(await status(resource, EX)).toBe(SA_LCK_LOCK_DUPLICATE_EX);
    expect(await status(second, EX)).toBe(SA_LCK_LOCK_DEADLOCK);
    expect(await status(resource, PR)).toBe(SA_LCK_LOCK_DEADLOCK);
    expect(await status(theirs, PR, SA_LCK_LOCK_NO_QUEUE)).toBe(SA_LCK_LOCK_NOT_QUEUED);
  });

  test('a time-out leaves nothing behind, not even a grant that was on its way', async () => {
    const { sa, resource, start, open } = await library();
    const theirs = await open(await start(null));
    const held = await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    const late = await sa.saLckResourceLock(theirs, EX, 0, 0n, SHORT);
    expect(late.rc).toBe(SA_AIS_ERR_TIMEOUT);
    // 1 ns is over before any executive could grant: what it grants is taken back.
    expect((await sa.saLckResourceUnlock(held.lockId as SaLckLockIdT, SA_TIME_END)).rc).toBe(
      SA_AIS_OK,
    );
    expect((await sa.saLckResourceLock(theirs, EX, 0, 0n, 1n)).rc).toBe(SA_AIS_ERR_TIMEOUT);
    const next = await sa.saLckResourceLock(resource, EX, SA_LCK_LOCK_NO_QUEUE, 0n, SA_TIME_END);
    expect([next.rc, next.lockStatus]).toEqual([SA_AIS_OK, SA_LCK_LOCK_GRANTED]);
    const gone = await sa.saLckResourceUnlock(late.lockId as SaLckLockIdT, SA_TIME_END);
    expect(gone.rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('unlocking a pending id cancels a call that blocks', async () => {
    const { sa, resource, start, open } = await library();
    const theirs = await open(await start(null));
    await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    const out: { lockId?: SaLckLockIdT } = {};
    const waits = sa.saLckResourceLock(theirs, EX, 0, 0n, SA_TIME_END, out);
    expect(await sa.saLckResourceUnlock(out.lockId as SaLckLockIdT, SA_TIME_END)).toEqual({
      rc: SA_AIS_OK,
    });
    expect((await waits).rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('over the limit is NO_RESOURCES on B.03 and the status NO_MORE on B.01', async () => {
    for (const [version, rc, lockStatus] of [
      [B03(), SA_AIS_ERR_NO_RESOURCES, undefined],
      [B01(), SA_AIS_OK, SA_LCK_LOCK_NO_MORE],
    ] as const) {
      const { sa, resource } = await library(version);
      const lock = () => sa.saLckResourceLock(resource, PR, 0, 0n, SA_TIME_END);
      for (let batch = 0; batch < 40; batch++) {
        const locks = await Promise.all(Array.from({ length: 100 }, lock));
        expect(locks.every(({ lockStatus }) => lockStatus === SA_LCK_LOCK_GRANTED)).toBe(true);
      }
      const over = await lock();
      expect([over.rc, over.lockStatus]).toEqual([rc, lockStatus]);
    }
  });
});

describe('asynchronous calls and callbacks', () => {
  test('parameter errors come at once and leave no callback', async () => {
    const { sa, resource, start, open, dispatch } = await library();
    const mute = await open(await start(null));
    expect((await sa.saLckResourceLockAsync(mute, 1n, EX, 0, 0n)).rc).toBe(SA_AIS_ERR_INIT);
    expect((await sa.saLckResourceLockAsync(resource, 1n, 5 as 1, 0, 0n)).rc).toBe(
      SA_AIS_ERR_INVALID_PARAM,
    );
    expect((await sa.saLckResourceLockAsync(resource, 1n, EX, 8, 0n)).rc).toBe(
      SA_AIS_ERR_BAD_FLAGS,
    );
    const held = await sa.saLckResourceLock(mute, EX, 0, 0n, SA_TIME_END);
    const unlock = await sa.saLckResourceUnlockAsync(1n, held.lockId as SaLckLockIdT);
    expect(unlock.rc).toBe(SA_AIS_ERR_INIT);
    expect(await dispatch()).toEqual([]);
  });

  test('grant, waiter, unlock and cancel are told with their invocations', async () => {
    const { sa, resource, start, open, callbacks, dispatch } = await library();
    const theirs = await open(await start(callbacks));
    const mine = await sa.saLckResourceLockAsync(resource, 11n, EX, 0, 7n);
    expect(await dispatch()).toEqual([
      ['grant', 11n, SA_LCK_LOCK_GRANTED, SA_AIS_OK, expect.any(BigInt)],
    ]);
    const queued = await sa.saLckResourceLockAsync(theirs, 12n, PR, 0, 99n);
    expect(await dispatch()).toEqual([['waiter', 99n, mine.lockId, EX, PR]]);
    await sa.saLckResourceUnlockAsync(13n, queued.lockId as SaLckLockIdT);
    await sa.saLckResourceUnlockAsync(14n, mine.lockId as SaLckLockIdT);
    expect(await dispatch()).toEqual([['unlock', 14n, SA_AIS_OK]]);
    const again = await sa.saLckResourceUnlockAsync(15n, mine.lockId as SaLckLockIdT);
    expect(again.rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('a cancelled request’s grant callback says NOT_EXIST, without status', async () => {
    const { sa, handle, resource, start, open, dispatch } = await library();
    const theirs = await open(await start(null));
    await sa.saLckResourceLock(theirs, EX, 0, 0n, SA_TIME_END);
    const queued = await sa.saLckResourceLockAsync(resource, 12n, EX, 0, 0n);
    await sa.saLckResourceUnlock(queued.lockId as SaLckLockIdT, SA_TIME_END);
    expect(await dispatch(handle)).toEqual([['grant', 12n, 0, SA_AIS_ERR_NOT_EXIST, 0n]]);
  });
});

describe('a handle that nobody dispatches', () => {
  test('keeps a bounded number of waiter callbacks and still gets its grants', async () => {
    const { sa, resource, start, open, dispatch } = await library();
    const theirs = await open(await start(null));
    const held = await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    for (let i = 0; i < WAITERS_QUEUED_MAX + 20; i++) {
      const out: { lockId?: SaLckLockIdT } = {};
      const waits = sa.saLckResourceLock(theirs, EX, 0, 0n, SA_TIME_END, out);
      await sa.saLckResourceUnlock(out.lockId as SaLckLockIdT, SA_TIME_END);
      await waits;
    }
    expect(await dispatch()).toHaveLength(WAITERS_QUEUED_MAX);
    const waits = sa.saLckResourceLock(theirs, EX, 0, 5n, SA_TIME_END);
    expect(await dispatch()).toEqual([['waiter', 5n, held.lockId, EX, EX]]);
    await sa.saLckResourceUnlock(held.lockId as SaLckLockIdT, SA_TIME_END);
    expect((await waits).lockStatus).toBe(SA_LCK_LOCK_GRANTED);
  });
});

describe('unlock and purge', () => {
  test('ResourceUnlock: no time is TIMEOUT and unlocks nothing, a second unlock NOT_EXIST', async () => {
    const { sa, resource } = await library();
    const { lockId } = await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    const id = lockId as SaLckLockIdT;
    expect((await sa.saLckResourceUnlock(id, 0n)).rc).toBe(SA_AIS_ERR_TIMEOUT);
    expect((await sa.saLckResourceUnlock(id, SA_TIME_END)).rc).toBe(SA_AIS_OK);
    expect((await sa.saLckResourceUnlock(id, SA_TIME_END)).rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('an orphan is seen by who asks with ORPHAN and goes with a purge', async () => {
    const { sa, handle, resource, start, open } = await library();
    const theirs = await open(await start(null));
    await sa.saLckResourceLock(resource, EX, SA_LCK_LOCK_ORPHAN, 0n, SA_TIME_END);
    await sa.saLckFinalize(handle);
    const seen = await sa.saLckResourceLock(theirs, EX, SA_LCK_LOCK_ORPHAN, 0n, SA_TIME_END);
    expect(seen.lockStatus).toBe(SA_LCK_LOCK_ORPHANED);
    expect(await sa.saLckLockPurge(theirs)).toEqual({ rc: SA_AIS_OK });
    expect(await sa.saLckLockPurge(theirs)).toEqual({ rc: SA_AIS_OK });
    const held = await sa.saLckResourceLock(theirs, EX, 0, 0n, SA_TIME_END);
    expect(held.lockStatus).toBe(SA_LCK_LOCK_GRANTED);
  });
});

describe('a partition', () => {
  test('is told to the holder; after a merge its lock id is NOT_EXIST', async () => {
    const { sa, cluster, resource, dispatch, flush } = await library(B03(), 3, 3);
    const held = await sa.saLckResourceLock(resource, EX, 0, 0n, SA_TIME_END);
    cluster.split([[1, 2], [3]]);
    expect(await dispatch()).toEqual([['lost', held.lockId, 'node-isolated']]);
    cluster.heal();
    await flush();
    expect(await dispatch()).toEqual([['lost', held.lockId, 'merged']]);
    const unlocked = await sa.saLckResourceUnlock(held.lockId as SaLckLockIdT, SA_TIME_END);
    expect(unlocked.rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });
});
