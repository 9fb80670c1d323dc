/** The table's rows on Initialize to Finalize, and on handles that are not what they seem (AIS B.0, B.1). */
import { SA_AIS_OK, SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_DISPATCH_ONE } from '@aisexec/ais';
import type { SaLckHandleT, SaLckLockIdT, SaLckResourceHandleT } from '../client/literal-types.ts';
import {
  SA_LCK_RESOURCE_CREATE as CREATE,
  SA_LCK_EX_LOCK_MODE as EX,
  SA_LCK_MAX_NUM_LOCKS_ID as LIMIT,
  SA_LCK_PR_LOCK_MODE as PR,
} from '../protocol.ts';
import { type Case, END, version } from './case.fixture.ts';
import { outcomeText, type Row, type Run, row, type Subject } from './row.fixture.ts';

const FORGED = 0x1234_5678_9abc_def0n as SaLckHandleT & SaLckResourceHandleT & SaLckLockIdT;

/** Every function that takes a handle or something opened through one. */
export const CALLS: readonly (readonly [
  Subject,
  (c: Case, handles: Handles) => ReturnType<Run>,
])[] = [
  ['saLckSelectionObjectGet', ({ sa }, { handle }) => sa.saLckSelectionObjectGet(handle)],
  ['saLckOptionCheck', ({ sa }, { handle }) => sa.saLckOptionCheck(handle)],
  ['saLckDispatch', ({ sa }, { handle }) => sa.saLckDispatch(handle, SA_DISPATCH_ALL)],
  ['saLckFinalize', ({ sa }, { handle }) => sa.saLckFinalize(handle)],
  ['saLckResourceOpen', (c, { handle }) => c.sa.saLckResourceOpen(handle, c.name(), CREATE, END)],
  [
    'saLckResourceOpenAsync',
    (c, { handle }) => c.sa.saLckResourceOpenAsync(handle, 1n, c.name(), 0),
  ],
  ['saLckResourceClose', ({ sa }, { resource }) => sa.saLckResourceClose(resource)],
  ['saLckResourceLock', ({ sa }, { resource }) => sa.saLckResourceLock(resource, EX, 0, 0n, END)],
  [
    'saLckResourceLockAsync',
    ({ sa }, { resource }) => sa.saLckResourceLockAsync(resource, 1n, EX, 0, 0n),
  ],
  ['saLckResourceUnlock', ({ sa }, { lock }) => sa.saLckResourceUnlock(lock, END)],
  ['saLckResourceUnlockAsync', ({ sa }, { lock }) => sa.saLckResourceUnlockAsync(1n, lock)],
  ['saLckLockPurge', ({ sa }, { resource }) => sa.saLckLockPurge(resource)],
  ['saLckLimitGet', ({ sa }, { handle }) => sa.saLckLimitGet(handle, LIMIT)],
];

export interface Handles {
  readonly handle: SaLckHandleT;
  readonly resource: SaLckResourceHandleT;
  readonly lock: SaLckLockIdT;
}

const forged: Handles = { handle: FORGED, resource: FORGED, lock: FORGED };

const badHandles = CALLS.flatMap(([subject, call]): Row[] => {
  const unknown = subject.startsWith('saLckResourceUnlock') ? 'NOT_EXIST' : 'BAD_HANDLE';
  return [
    row(subject, unknown, 'the handle or id is forged', (c) => call(c, forged)),
    row(subject, 'BAD_HANDLE', 'the handle was finalised', async (c) => {
      const { handle, resource } = c;
      const lock = await c.held(resource);
      await c.sa.saLckFinalize(handle);
      return call(c, { handle, resource, lock });
    }),
  ];
});

/** The row's code, and what became of the in-out version argument. */
const negotiated =
  (releaseCode: string, majorVersion: number, minorVersion: number): Run =>
  async (c) => {
    const asked = { releaseCode, majorVersion, minorVersion };
    const connect = c.world.connect(c.placement.client);
    const { rc, lckHandle } = await c.sa.saLckInitialize(null, asked, connect);
    if (lckHandle !== undefined) await c.sa.saLckFinalize(lckHandle);
    const { releaseCode: letter, majorVersion: major, minorVersion: minor } = asked;
    return `${outcomeText({ rc })}, ${letter}.0${major}.0${minor}`;
  };

const initialize: readonly Row[] = [
  row('saLckInitialize', 'OK, B.01.01', 'B.01.01 is asked', negotiated('B', 1, 1)),
  row('saLckInitialize', 'OK, B.03.01', 'B.03.01 is asked', negotiated('B', 3, 1)),
  row('saLckInitialize', 'OK, B.03.01', 'major 2, between the generations', negotiated('B', 2, 1)),
  row('saLckInitialize', 'OK, B.01.01', 'a higher minor: it is ignored', negotiated('B', 1, 99)),
  row('saLckInitialize', 'VERSION, B.03.01', 'the major is too high', negotiated('B', 4, 1)),
  row('saLckInitialize', 'VERSION, B.03.01', 'major 0', negotiated('B', 0, 1)),
  row('saLckInitialize', 'VERSION, B.03.01', 'release code A', negotiated('A', 1, 1)),
  row('saLckInitialize', 'VERSION, B.03.01', 'release code C', negotiated('C', 1, 1)),
  row('saLckInitialize', 'INVALID_PARAM', 'no version', (c) =>
    c.sa.saLckInitialize(null, null, c.world.connect(c.placement.client)),
  ),
  row('saLckInitialize', 'OK', 'all callbacks are null', async (c) => {
    const callbacks = { saLckLockGrantCallback: null, saLckLockWaiterCallback: null };
    const connect = c.world.connect(c.placement.client);
    const { rc, lckHandle } = await c.sa.saLckInitialize(callbacks, version(3), connect);
    return { rc: rc === SA_AIS_OK ? (await c.sa.saLckFinalize(lckHandle!)).rc : rc };
  }),
];

const dispatch: readonly Row[] = [
  row('saLckSelectionObjectGet', 'the same object', 'asked twice', async (c) => {
    const first = await c.sa.saLckSelectionObjectGet(c.handle);
    const second = await c.sa.saLckSelectionObjectGet(c.handle);
    const { selectionObject } = first;
    const same = selectionObject !== undefined && selectionObject === second.selectionObject;
    return same ? 'the same object' : 'two objects';
  }),
  row('saLckSelectionObjectGet', 'ready', 'a callback is queued', async (c) => {
    const { selectionObject } = await c.sa.saLckSelectionObjectGet(c.handle);
    await c.sa.saLckResourceLockAsync(c.resource, 1n, EX, 0, 0n);
    await selectionObject!.ready();
    return 'ready';
  }),
  row('saLckDispatch', 'INVALID_PARAM', 'flags 0', (c) => c.sa.saLckDispatch(c.handle, 0)),
  row('saLckDispatch', 'INVALID_PARAM', 'unknown flags', (c) => c.sa.saLckDispatch(c.handle, 4)),
  row('saLckDispatch', 'OK', 'ONE with nothing queued', (c) =>
    c.sa.saLckDispatch(c.handle, SA_DISPATCH_ONE),
  ),
  row('saLckDispatch', 'one callback', 'ONE with two queued', async (c) => {
    await c.sa.saLckResourceLockAsync(c.resource, 1n, PR, 0, 0n);
    await c.sa.saLckResourceLockAsync(c.resource, 2n, PR, 0, 0n);
    // Replies keep the order of the requests: when this one is there, so are those of the locks.
    await c.open(c.handle);
    await c.sa.saLckDispatch(c.handle, SA_DISPATCH_ONE);
    return c.calls.length === 1 ? 'one callback' : `${c.calls.length} callbacks`;
  }),
  row('saLckDispatch', 'OK', 'BLOCKING, until it is finalised elsewhere', async (c) => {
    const blocking = c.sa.saLckDispatch(c.handle, SA_DISPATCH_BLOCKING);
    await c.sa.saLckResourceLockAsync(c.resource, 1n, EX, 0, 0n);
    await c.open(c.handle);
    await c.sa.saLckFinalize(c.handle);
    return blocking;
  }),
  row('saLckDispatch', 'OK', 'a callback finalises its own handle', async (c) => {
    const finalised: SaLckHandleT[] = [];
    const handle = await c.initialize({
      callbacks: {
        saLckLockGrantCallback: async () => {
          await c.sa.saLckFinalize(handle);
          finalised.push(handle);
        },
      },
    });
    const resource = await c.open(handle);
    await c.sa.saLckResourceLockAsync(resource, 1n, EX, 0, 0n);
    await c.sa.saLckResourceLockAsync(resource, 2n, PR, 0, 0n);
    const outcome = await c.sa.saLckDispatch(handle, SA_DISPATCH_BLOCKING);
    return finalised.length === 1 ? outcome : 'the callback ran again';
  }),
  row('saLckOptionCheck', 'ORPHAN_LOCKS and DEADLOCK_DETECTION', 'asked', async (c) => {
    const { lckOptions } = await c.sa.saLckOptionCheck(c.handle);
    return lckOptions === 3 ? 'ORPHAN_LOCKS and DEADLOCK_DETECTION' : String(lckOptions);
  }),
  row('saLckFinalize', 'OK GRANTED', 'another waits for what the handle holds', async (c) => {
    await c.held(c.resource);
    const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
    await c.sa.saLckFinalize(c.handle);
    return waits;
  }),
  row('saLckFinalize', 'no callback', 'callbacks are queued', async (c) => {
    await c.sa.saLckResourceLockAsync(c.resource, 1n, EX, 0, 0n);
    await c.open(c.handle);
    await c.sa.saLckFinalize(c.handle);
    await c.sa.saLckDispatch(c.handle, SA_DISPATCH_ALL);
    return c.calls.length === 0 ? 'no callback' : 'a callback';
  }),
  row('saLckLimitGet', '4000', 'MAX_NUM_LOCKS is asked', async (c) => {
    return String((await c.sa.saLckLimitGet(c.handle, LIMIT)).limitValue);
  }),
  row('saLckLimitGet', 'INVALID_PARAM', 'the limit id is unknown', (c) =>
    c.sa.saLckLimitGet(c.handle, 2),
  ),
  row('saLckLimitGet', 'VERSION', 'the handle is of B.01.01', async (c) =>
    c.sa.saLckLimitGet(await c.initialize({ major: 1 }), LIMIT),
  ),
];

export const LIFE_CYCLE_ROWS: readonly Row[] = [...initialize, ...dispatch, ...badHandles];
