/** The table's rows on what others do to a client: kill it, forge its ids, take its quorum or executive away. */
import { SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING } from '@aisexec/ais';
import { createSaLck } from '../client/literal.ts';
import {
  SA_LCK_EX_LOCK_MODE as EX,
  SA_LCK_MAX_NUM_LOCKS_ID as LIMIT,
  SA_LCK_LOCK_NO_QUEUE as NO_QUEUE,
} from '../protocol.ts';
import { type Case, END, version } from './case.fixture.ts';
import { faultRow, type Row, row } from './row.fixture.ts';

const strangers: readonly Row[] = [
  row(
    'saLckResourceUnlock',
    'NOT_EXIST',
    'the lock id of a client in another process',
    async (c) => {
      const lockId = await c.held(c.theirs);
      const other = createSaLck();
      const connect = c.world.connect(c.placement.client);
      const { lckHandle } = await other.saLckInitialize(null, version(3), connect);
      const outcome = await other.saLckResourceUnlock(lockId, END);
      await other.saLckFinalize(lckHandle!);
      return outcome;
    },
  ),
  row(
    'saLckResourceUnlock',
    'OK NOT_QUEUED',
    'a forged id: the lock of another stays',
    async (c) => {
      const lockId = await c.held(c.theirs);
      const connector = c.world.connect(c.placement.client);
      const other = createSaLck();
      const { lckHandle } = await other.saLckInitialize(null, version(3), connector);
      await other.saLckResourceUnlock(lockId, END);
      await other.saLckFinalize(lckHandle!);
      return c.sa.saLckResourceLock(c.resource, EX, NO_QUEUE, 0n, END);
    },
  ),
  row('saLckFinalize', 'BAD_HANDLE', 'a second time at the same moment', async (c) => {
    const first = c.sa.saLckFinalize(c.handle);
    const second = c.sa.saLckFinalize(c.handle);
    await first;
    return second;
  }),
];

const deaths: readonly Row[] = [
  row('lifetime', 'OK GRANTED', 'the holder’s process is killed while it holds', async (c) => {
    const victim = await c.world.victim(c.placement.client, c.name(), 'holding');
    const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
    await victim.kill();
    return waits;
  }),
  row(
    'lifetime',
    'OK GRANTED',
    'a process is killed while it waits: who is behind it',
    async (c) => {
      const held = await c.held(c.theirs);
      const victim = await c.world.victim(c.placement.client, c.name(), 'waiting');
      const waits = c.sa.saLckResourceLock(c.resource, EX, 0, 0n, END);
      await victim.kill();
      await c.sa.saLckResourceUnlock(held, END);
      return waits;
    },
  ),
  row('lifetime', 'OK GRANTED', 'a process is killed inside its grant callback', async (c) => {
    const victim = await c.world.victim(c.placement.client, c.name(), 'in-callback');
    const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
    await victim.kill();
    return waits;
  }),
];

/** Every node but the client's is away while `act` runs. */
async function withoutQuorum<T>(c: Case, act: () => Promise<T>): Promise<T> {
  await c.world.isolate(c.placement.client);
  try {
    return await act();
  } finally {
    await c.world.rejoin();
  }
}

const partitions: readonly Row[] = [
  faultRow('saLckResourceLock', 'TRY_AGAIN', 'NO_QUEUE, no quorum', async (c) => {
    // Held, so that the loss is told: then there is no quorum for certain.
    await c.held(c.resource);
    const second = await c.open(c.handle, c.name('second'));
    return withoutQuorum(c, async () => {
      await c.callback('lost');
      return c.sa.saLckResourceLock(second, EX, NO_QUEUE, 0n, END);
    });
  }),
  faultRow('saLckLockPurge', 'TRY_AGAIN', 'no quorum', async (c) => {
    await c.held(c.resource);
    return withoutQuorum(c, async () => {
      await c.callback('lost');
      return c.sa.saLckLockPurge(c.resource);
    });
  }),
  faultRow('saLckResourceUnlock', 'OK', 'no quorum', async (c) => {
    const lockId = await c.held(c.resource);
    return withoutQuorum(c, async () => {
      await c.callback('lost');
      return c.sa.saLckResourceUnlock(lockId, END);
    });
  }),
  faultRow(
    'saLckResourceLock',
    'OK GRANTED',
    'it waited without quorum, which comes back',
    async (c) => {
      await c.held(c.resource);
      const second = await c.open(c.handle, c.name('second'));
      let waits: ReturnType<typeof c.sa.saLckResourceLock> | undefined;
      await withoutQuorum(c, async () => {
        await c.callback('lost');
        waits = c.sa.saLckResourceLock(second, EX, 0, 0n, END);
      });
      return waits!;
    },
  ),
];

/** The client's executive ends: what a call says that is made afterwards. */
const ended = (
  subject: Parameters<typeof faultRow>[0],
  expected: string,
  when: string,
  run: Row['run'],
): Row => faultRow(subject, expected, `the executive has ended: ${when}`, run);

const executives: readonly Row[] = [
  ended('saLckResourceLock', 'LIBRARY', 'a call that waits', async (c) => {
    await c.held(c.theirs);
    const waits = c.sa.saLckResourceLock(c.resource, EX, 0, 0n, END);
    await c.open(c.handle);
    await c.world.endExecutive(c.placement.client);
    return waits;
  }),
  ended('saLckDispatch', 'BAD_HANDLE', 'BLOCKING', async (c) => {
    const blocking = c.sa.saLckDispatch(c.handle, SA_DISPATCH_BLOCKING);
    await c.world.endExecutive(c.placement.client);
    return blocking;
  }),
  ended('saLckDispatch', 'BAD_HANDLE', 'the handle stays stale when it is back', async (c) => {
    const { selectionObject } = await c.sa.saLckSelectionObjectGet(c.handle);
    await c.world.endExecutive(c.placement.client);
    await selectionObject!.ready();
    return c.sa.saLckDispatch(c.handle, SA_DISPATCH_ALL);
  }),
  ended('saLckLimitGet', 'BAD_HANDLE', 'any other call', async (c) => {
    const { selectionObject } = await c.sa.saLckSelectionObjectGet(c.handle);
    await c.world.endExecutive(c.placement.client);
    await selectionObject!.ready();
    return c.sa.saLckLimitGet(c.handle, LIMIT);
  }),
  ended('lifetime', 'OK GRANTED', 'what its clients held is granted on another node', async (c) => {
    await c.held(c.resource);
    const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
    await c.world.endExecutive(c.placement.client);
    return waits;
  }),
];

export const FAULT_ROWS: readonly Row[] = [...strangers, ...deaths, ...partitions, ...executives];
