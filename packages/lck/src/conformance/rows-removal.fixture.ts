/**
 * The table's rows on a client whose node is taken out of the membership (AIS B.0, UNAVAILABLE): while it is out, and
 * after it is back, since a stale handle stays stale.
 */
import { SA_DISPATCH_BLOCKING } from '@aisexec/ais';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { SA_LCK_EX_LOCK_MODE as EX } from '../protocol.ts';
import { type Case, END, version } from './case.fixture.ts';
import { codeText, faultRow, outcomeText, type Row, type Subject } from './row.fixture.ts';
import { CALLS, type Handles } from './rows-life-cycle.fixture.ts';

/** The client's node is out while `run` runs. */
const removed = <T>(c: Case, run: () => T | Promise<T>): Promise<T> =>
  whileRemoved(c.world.connect(c.placement.client), c.placement.client, run);

/** A client of this generation with a lock, whose node was removed and readmitted since. */
async function stale(c: Case, major: 1 | 3): Promise<Handles> {
  const handle = await c.initialize({ major, callbacks: c.noting() });
  const resource = await c.open(handle, c.name('stale'));
  const lock = await c.held(resource);
  const { selectionObject } = await c.sa.saLckSelectionObjectGet(handle);
  await removed(c, () => selectionObject!.ready());
  return { handle, resource, lock };
}

const NEWER: ReadonlySet<Subject> = new Set(['saLckLimitGet']);

const calls = CALLS.flatMap(([subject, call]): Row[] => {
  const isEnd = subject === 'saLckFinalize';
  const old = NEWER.has(subject) ? 'VERSION' : 'LIBRARY';
  return [
    faultRow(
      subject,
      isEnd ? 'LIBRARY' : 'UNAVAILABLE',
      'the node was removed, B.03.01',
      async (c) => call(c, await stale(c, 3)),
    ),
    faultRow(subject, old, 'the node was removed, B.01.01', async (c) =>
      call(c, await stale(c, 1)),
    ),
  ];
});

const initialize = (major: 1 | 3) => async (c: Case) =>
  removed(c, () => c.sa.saLckInitialize(null, version(major), c.world.connect(c.placement.client)));

export const REMOVAL_ROWS: readonly Row[] = [
  ...calls,
  faultRow('saLckInitialize', 'UNAVAILABLE', 'the node is removed, B.03.01', initialize(3)),
  faultRow('saLckInitialize', 'LIBRARY', 'the node is removed, B.01.01', initialize(1)),
  faultRow('saLckInitialize', 'OK', 'the node is back', async (c) => {
    await stale(c, 3);
    const connect = c.world.connect(c.placement.client);
    const { rc, lckHandle } = await c.sa.saLckInitialize(null, version(3), connect);
    if (lckHandle !== undefined) await c.sa.saLckFinalize(lckHandle);
    return { rc };
  }),
  faultRow('saLckResourceLock', 'UNAVAILABLE', 'the node is removed while it waits', async (c) => {
    await c.held(c.theirs);
    const waits = c.sa.saLckResourceLock(c.resource, EX, 0, 0n, END);
    await c.open(c.handle);
    const { rc } = await removed(c, () => waits);
    return { rc };
  }),
  faultRow('saLckDispatch', 'UNAVAILABLE', 'BLOCKING, and the node is removed', async (c) => {
    const blocking = c.sa.saLckDispatch(c.handle, SA_DISPATCH_BLOCKING);
    return removed(c, () => blocking);
  }),
  faultRow('saLckFinalize', 'LIBRARY, then BAD_HANDLE', 'twice, of a stale handle', async (c) => {
    const { handle } = await stale(c, 3);
    const first = outcomeText(await c.sa.saLckFinalize(handle));
    return `${first}, then ${codeText((await c.sa.saLckFinalize(handle)).rc)}`;
  }),
  faultRow(
    'lifetime',
    'OK GRANTED',
    'what a removed node held is granted on another',
    async (c) => {
      await c.held(c.resource);
      const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
      return removed(c, () => waits);
    },
  ),
];
