/** Rows of the conformance table: tracking, its steps and responses, and administration (AIS B.4). */
import {
  SA_TRACK_CHANGES as CHANGES,
  SA_TRACK_CURRENT as CURRENT,
  SA_TRACK_LOCAL as LOCAL,
  SA_TRACK_CHANGES_ONLY as ONLY,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_TRACK_START_STEP as START,
  SA_TRACK_VALIDATE_STEP as VALIDATE,
} from '@aisexec/ais';
import type {
  SaClmCallbacksT,
  SaClmClusterNotificationBufferT,
  SaClmHandleT,
} from './client/literal-types.ts';
import {
  both,
  emptyBuffer,
  onlyB04,
  type Row,
  type World,
  whenStale,
} from './conformance-world.fixture.ts';

const [UNLOCK, LOCK, SHUTDOWN, RESET] = [1, 2, 3, 4];
const [OK, REJECTED, ERROR] = [1, 2, 3] as const;
const FORGED = 0x1234_5678_9abc_def0n as SaClmHandleT;
const TRACK: SaClmCallbacksT = { saClmClusterTrackCallback: () => {} };

const tracks = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterTrack', 'saClmClusterTrack_4', expect, cause, run);
const stops = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterTrackStop', 'saClmClusterTrackStop', expect, cause, run);
const step = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  onlyB04('saClmClusterTrack_4', expect, cause, run);
const response = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  onlyB04('saClmResponse_4', expect, cause, run);
const flags = (value: number) => async (w: World, generation: 1 | 4) =>
  (await w.track(generation, await w.open(generation, TRACK), value)).rc;

const trackRows: readonly Row[] = [
  ...tracks('OK', 'CURRENT', flags(CURRENT)),
  ...tracks('OK', 'CHANGES', flags(CHANGES)),
  ...tracks('OK', 'CURRENT, CHANGES_ONLY and LOCAL', flags(CURRENT | ONLY | LOCAL)),
  ...step('OK', 'CHANGES with both steps', flags(CHANGES | START | VALIDATE)),
  ...tracks('BAD_FLAGS', 'no flags', flags(0)),
  ...tracks('BAD_FLAGS', 'LOCAL alone', flags(LOCAL)),
  ...tracks('BAD_FLAGS', 'CHANGES and CHANGES_ONLY', flags(CHANGES | ONLY)),
  ...tracks('BAD_FLAGS', 'an unknown bit', flags(CURRENT | 0x40)),
  ...tracks('BAD_FLAGS', 'a step without changes', flags(CURRENT | START)),
  {
    fn: 'saClmClusterTrack',
    generation: 'B.01',
    expect: 'BAD_FLAGS',
    cause: 'a step of B.04',
    run: (w) => flags(CHANGES | VALIDATE)(w, 1),
  },
  ...tracks(
    'INIT',
    'CURRENT by callback, and there is none',
    async (w, g) => (await w.track(g, await w.open(g), CURRENT)).rc,
  ),
  ...tracks(
    'INIT',
    'CURRENT into a buffer and CHANGES, without a callback',
    async (w, g) => (await w.track(g, await w.open(g), CURRENT | CHANGES, emptyBuffer())).rc,
  ),
  ...tracks(
    'OK',
    'CURRENT into a buffer, without a callback',
    async (w, g) => (await w.track(g, await w.open(g), CURRENT, emptyBuffer())).rc,
  ),
  ...tracks('INVALID_PARAM', 'an array of no items', async (w, g) => {
    const buffer: SaClmClusterNotificationBufferT = { ...emptyBuffer(), notification: [] };
    return (await w.track(g, await w.open(g), CURRENT, buffer)).rc;
  }),
  ...tracks('NO_SPACE', 'an array too small; the number needed is written', async (w, g) => {
    const buffer = { ...emptyBuffer(), notification: [], numberOfItems: 2 };
    const { rc } = await w.track(g, await w.open(g), CURRENT, buffer);
    return buffer.numberOfItems === 3 ? rc : `numberOfItems is ${buffer.numberOfItems}`;
  }),
  ...tracks(
    'VERSION',
    'a handle of the other generation',
    async (w, g) => (await w.track(g, await w.open(g === 1 ? 4 : 1, TRACK), CURRENT)).rc,
  ),
  ...tracks(
    'BAD_HANDLE',
    'a handle that never was',
    async (w, g) => (await w.track(g, FORGED, CURRENT)).rc,
  ),
  ...tracks(
    'BAD_HANDLE',
    'a finalised handle',
    async (w, g) => (await w.track(g, await w.finalized(g), CURRENT)).rc,
  ),
  ...whenStale(
    'saClmClusterTrack',
    'saClmClusterTrack_4',
    async (w, g) => (await w.track(g, await w.stale(g, TRACK), CURRENT)).rc,
  ),
  ...whenStale(
    'saClmClusterTrack',
    'saClmClusterTrack_4',
    async (w, g) => (await w.track(g, await w.stale(g, TRACK), CHANGES)).rc,
  ).map((row) => ({ ...row, cause: `CHANGES; ${row.cause}` })),
];

/** What a subscriber at home hears of a lock and an unlock of another node. */
const lockAndUnlock = (value: number) => async (w: World, g: 1 | 4) => {
  const subscriber = await w.subscribe(g, value);
  await w.administer(w.other, LOCK);
  await w.administer(w.other, UNLOCK);
  return w.heard(subscriber, 2);
};
const named = (generation: 1 | 4, what: string) =>
  (generation === 1 ? 'changed ' : 'completed ') + what;
const perGeneration = (what: readonly string[], cause: string, run: Parameters<typeof both>[4]) =>
  tracks('', cause, run).map((row) => {
    const generation = row.generation === 'B.01' ? 1 : 4;
    return { ...row, expect: what.map((text) => named(generation, text)).join(', ') };
  });

const changeRows: readonly Row[] = [
  ...perGeneration(['H O T'], 'CURRENT by callback: all members', async (w, g) =>
    w.heard(await w.subscribe(g, CURRENT), 1),
  ),
  ...perGeneration(['H'], 'CURRENT and LOCAL: the own node', async (w, g) =>
    w.heard(await w.subscribe(g, CURRENT | LOCAL), 1),
  ),
  ...perGeneration(['H O- T', 'H O+ T'], 'CHANGES: all members, labelled', lockAndUnlock(CHANGES)),
  ...perGeneration(['O-', 'O+'], 'CHANGES_ONLY: what has changed', lockAndUnlock(ONLY)),
  ...perGeneration(['H O T', 'O-', 'O+'], 'CURRENT and CHANGES_ONLY', async (w, g) => {
    const subscriber = await w.subscribe(g, CURRENT | ONLY);
    await w.administer(w.other, LOCK);
    await w.administer(w.other, UNLOCK);
    return w.heard(subscriber, 3);
  }),
  ...perGeneration(['H-'], 'LOCAL: nothing of others, but its own removal', async (w, g) => {
    const subscriber = await w.subscribe(g, CHANGES | LOCAL);
    await w.administer(w.other, LOCK);
    await w.administer(w.other, UNLOCK);
    await w.administer(w.home, LOCK);
    return w.heard(subscriber, 1);
  }),
  ...tracks('H O T', 'CURRENT into a buffer that is null: it is made', async (w, g) => {
    const buffer = emptyBuffer();
    await w.track(g, await w.open(g), CURRENT, buffer);
    return buffer.numberOfItems === 3 ? w.text(buffer) : `numberOfItems ${buffer.numberOfItems}`;
  }),
  ...tracks('+1, +1', 'the view number rises by one with each change', async (w, g) => {
    const subscriber = await w.subscribe(g, CURRENT | ONLY);
    await w.administer(w.other, LOCK);
    await w.administer(w.other, UNLOCK);
    await w.heard(subscriber, 3);
    const [a = 0n, b = 0n, c = 0n] = subscriber.calls.map(([buffer]) => viewNumberOf(buffer));
    return `+${b - a}, +${c - b}`;
  }),
  ...tracks('2, 3', 'numberOfMembers is after the change', async (w, g) => {
    const subscriber = await w.subscribe(g, ONLY);
    await w.administer(w.other, LOCK);
    await w.administer(w.other, UNLOCK);
    await w.heard(subscriber, 2);
    return subscriber.calls.map(([, numberOfMembers]) => numberOfMembers).join(', ');
  }),
  ...tracks(
    'new',
    'a node that is readmitted has the view as its initial view number',
    async (w, g) => {
      const subscriber = await w.subscribe(g, ONLY);
      await w.administer(w.other, LOCK);
      await w.administer(w.other, UNLOCK);
      await w.heard(subscriber, 2);
      const buffer = subscriber.calls[1]?.[0] as SaClmClusterNotificationBufferT;
      const node = buffer.notification?.[0]?.clusterNode;
      return node?.initialViewNumber === buffer.viewNumber ? 'new' : `${node?.initialViewNumber}`;
    },
  ),
  ...tracks('the same', 'boot timestamp and name of a node that is readmitted', async (w, g) => {
    const before = await w.sa.saClmClusterNodeGet(await w.open(1), w.other, 0n);
    await w.administer(w.other, LOCK);
    await w.administer(w.other, UNLOCK);
    const handle = await w.open(g);
    const fn = g === 1 ? w.sa.saClmClusterNodeGet : w.sa.saClmClusterNodeGet_4;
    const { clusterNode: now } = await fn(handle, w.other, 0n);
    const [a, b] = [before.clusterNode, now];
    const isSame = a?.bootTimestamp === b?.bootTimestamp && a?.nodeName === b?.nodeName;
    return isSame && a?.nodeAddress.value !== '' ? 'the same' : 'another';
  }),
];

const viewNumberOf = (buffer: unknown) => (buffer as SaClmClusterNotificationBufferT).viewNumber;

const stopRows: readonly Row[] = [
  ...stops('OK', 'tracking; what is queued is dropped', async (w, g) => {
    const subscriber = await w.subscribe(g, CURRENT | CHANGES);
    const { rc } = await w.sa.saClmClusterTrackStop(subscriber.handle);
    await w.sa.saClmDispatch(subscriber.handle, SA_DISPATCH_ALL);
    return subscriber.log.length === 0 ? rc : 'a callback ran';
  }),
  ...stops(
    'NOT_EXIST',
    'not tracking',
    async (w, g) => (await w.sa.saClmClusterTrackStop(await w.open(g, TRACK))).rc,
  ),
  ...stops('NOT_EXIST', 'a CURRENT request is no tracking', async (w, g) => {
    const { handle } = await w.subscribe(g, CURRENT);
    return (await w.sa.saClmClusterTrackStop(handle)).rc;
  }),
  ...stops('NOT_EXIST', 'the second time', async (w, g) => {
    const { handle } = await w.subscribe(g, CHANGES);
    await w.sa.saClmClusterTrackStop(handle);
    return (await w.sa.saClmClusterTrackStop(handle)).rc;
  }),
  ...stops(
    'BAD_HANDLE',
    'a handle that never was',
    async (w) => (await w.sa.saClmClusterTrackStop(FORGED)).rc,
  ),
  ...stops(
    'BAD_HANDLE',
    'a finalised handle',
    async (w, g) => (await w.sa.saClmClusterTrackStop(await w.finalized(g))).rc,
  ),
  ...whenStale('saClmClusterTrackStop', 'saClmClusterTrackStop', async (w, g) => {
    const { handle } = await w.subscribe(g, CHANGES);
    await w.administer(w.home, LOCK);
    await w.administer(w.home, UNLOCK);
    return (await w.sa.saClmClusterTrackStop(handle)).rc;
  }),
];

/** A subscriber at home to both steps, and an operation on another node that awaits it. */
async function asked(w: World, operation = LOCK, supervisionMs = 60_000, steps = VALIDATE | START) {
  const subscriber = await w.subscribe(4, ONLY | steps);
  const ended = w.administer(w.other, operation, { supervisionMs });
  await w.heard(subscriber, 1);
  return { subscriber, ended };
}

/** The number of its code, and what was heard. */
async function ending(w: World, a: Awaited<ReturnType<typeof asked>>, count: number) {
  const rc = await a.ended;
  return `${await w.heard(a.subscriber, count)}; ${rc}`;
}

const stepRows: readonly Row[] = [
  ...step('validate O-, start O-, completed O-; 1', 'a lock, every step answered OK', async (w) => {
    const a = await asked(w);
    await w.respond(a.subscriber, OK);
    await w.heard(a.subscriber, 2);
    await w.respond(a.subscriber, OK);
    return ending(w, a, 3);
  }),
  ...step('validate O-, aborted O-; 21', 'REJECTED to VALIDATE aborts', async (w) => {
    const a = await asked(w);
    await w.respond(a.subscriber, REJECTED);
    return ending(w, a, 2);
  }),
  ...step('validate O-, start O-, completed O-; 1', 'ERROR does not block a lock', async (w) => {
    const a = await asked(w);
    await w.respond(a.subscriber, ERROR);
    await w.heard(a.subscriber, 2);
    await w.respond(a.subscriber, ERROR);
    return ending(w, a, 3);
  }),
  ...step('start O-, completed O-; 1', 'REJECTED to START does not block a lock', async (w) => {
    const a = await asked(w, LOCK, 60_000, START);
    await w.respond(a.subscriber, REJECTED);
    return ending(w, a, 2);
  }),
  ...step(
    'validate O-, start O-, completed O-; 1',
    'silence past the time supervision',
    async (w) => {
      const a = await asked(w, LOCK, 50);
      w.elapse(50);
      await w.heard(a.subscriber, 2);
      w.elapse(50);
      return ending(w, a, 3);
    },
  ),
  ...step('validate Os, start Os, completed O-; 1', 'a shutdown waits for START', async (w) => {
    const a = await asked(w, SHUTDOWN, 50);
    await w.respond(a.subscriber, OK);
    await w.heard(a.subscriber, 2);
    w.elapse(200);
    await w.respond(a.subscriber, OK);
    return ending(w, a, 3);
  }),
  ...step('start Os, aborted Ou; 21', 'an unlock ends a shutdown', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    await w.administer(w.other, UNLOCK);
    return ending(w, a, 2);
  }),
  ...step(
    'start H-; completed H-',
    'a client of the node itself is asked, and told last',
    async (w) => {
      const subscriber = await w.subscribe(4, ONLY | START);
      const ended = w.administer(w.home, LOCK);
      const first = await w.heard(subscriber, 1);
      await w.respond(subscriber, OK);
      await ended;
      await w.heard(subscriber, 2);
      return `${first}; ${subscriber.log[1]}`;
    },
  ),
  ...step(
    '0: a name, 1 of 3',
    'COMPLETED has no invocation; START names node and members',
    async (w) => {
      const a = await asked(w, LOCK, 60_000, START);
      await w.respond(a.subscriber, OK);
      await a.ended;
      await w.heard(a.subscriber, 2);
      const [started, completed] = a.subscriber.calls;
      const cause = typeof started?.[3] === 'string' ? 'a name' : 'none';
      const [buffer, members] = started as [SaClmClusterNotificationBufferT, number];
      const member = buffer.notification?.[0]?.clusterNode.member;
      return `${completed?.[2]}: ${cause}, ${member} of ${members}`;
    },
  ),
];

const evictionRows: readonly Row[] = [
  ...whenStale('saClmDispatch', 'saClmDispatch', async (w, g) => {
    const subscriber = await w.subscribe(g, ONLY);
    const serving = w.sa.saClmDispatch(subscriber.handle, SA_DISPATCH_BLOCKING);
    await w.administer(w.home, LOCK);
    const { rc } = await serving;
    return subscriber.log.length === 1 ? rc : `${subscriber.log.length} callbacks ran`;
  }).map((row) => ({
    ...row,
    cause: 'BLOCKING and tracking: ends after the callback that says so',
  })),
  ...whenStale('saClmDispatch', 'saClmDispatch', async (w, g) => {
    const subscriber = await w.subscribe(g, ONLY);
    await w.administer(w.home, LOCK);
    await w.administer(w.home, UNLOCK);
    await w.heard(subscriber, 1);
    return (await w.sa.saClmDispatch(subscriber.handle, SA_DISPATCH_ALL)).rc;
  }).map((row) => ({ ...row, cause: 'tracking: once the callback that says so has run' })),
];

const responseRows: readonly Row[] = [
  ...response('OK', 'a response that is awaited', async (w) => {
    const { subscriber } = await asked(w);
    return w.respond(subscriber, OK);
  }),
  ...response(
    'INVALID_PARAM',
    'an invocation that never was',
    async (w) => (await w.sa.saClmResponse_4(await w.open(4), 1n << 60n, OK)).rc,
  ),
  ...response(
    'INVALID_PARAM',
    'invocation 0',
    async (w) => (await w.sa.saClmResponse_4(await w.open(4), 0n, OK)).rc,
  ),
  ...response('INVALID_PARAM', 'an unknown response', async (w) => {
    const { subscriber } = await asked(w);
    return (await w.sa.saClmResponse_4(subscriber.handle, subscriber.asked, 4 as 3)).rc;
  }),
  ...response('INVALID_PARAM', 'the second response to a step', async (w) => {
    const { subscriber } = await asked(w, LOCK, 60_000, VALIDATE);
    await w.respond(subscriber, OK);
    return w.respond(subscriber, OK);
  }),
  ...response('INVALID_PARAM', 'after the time supervision', async (w) => {
    const a = await asked(w, LOCK, 50, VALIDATE);
    w.elapse(50);
    await a.ended;
    return w.respond(a.subscriber, OK);
  }),
  ...response('INVALID_PARAM', 'the invocation of another client', async (w) => {
    const { subscriber } = await asked(w);
    return (await w.sa.saClmResponse_4(await w.open(4), subscriber.asked, OK)).rc;
  }),
  ...response('INVALID_PARAM', 'the operation has ended', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    await w.administer(w.other, UNLOCK);
    await a.ended;
    return w.respond(a.subscriber, OK);
  }),
  ...response(
    'VERSION',
    'a handle of B.01',
    async (w) => (await w.sa.saClmResponse_4(await w.open(1), 1n, OK)).rc,
  ),
  ...response(
    'BAD_HANDLE',
    'a handle that never was',
    async (w) => (await w.sa.saClmResponse_4(FORGED, 1n, OK)).rc,
  ),
  ...response(
    'BAD_HANDLE',
    'a finalised handle',
    async (w) => (await w.sa.saClmResponse_4(await w.finalized(4), 1n, OK)).rc,
  ),
  ...response(
    'UNAVAILABLE',
    'the node was locked and readmitted since',
    async (w) => (await w.sa.saClmResponse_4(await w.stale(4), 1n, OK)).rc,
  ),
];

const admin = (expect: string, cause: string, run: Row['run']): Row => ({
  fn: 'clmAdminOperation',
  generation: 'admin',
  expect,
  cause,
  run,
});
const locked = async (w: World) => {
  await w.administer(w.other, LOCK);
  return w.other;
};

const adminRows: readonly Row[] = [
  admin('OK', 'LOCK of a member', (w) => w.administer(w.other, LOCK)),
  admin('OK', 'SHUTDOWN of a member', (w) => w.administer(w.other, SHUTDOWN)),
  admin('OK', 'UNLOCK of a locked node', async (w) => w.administer(await locked(w), UNLOCK)),
  admin('NO_OP', 'LOCK of a locked node', async (w) => w.administer(await locked(w), LOCK)),
  admin('NO_OP', 'SHUTDOWN of a locked node', async (w) => w.administer(await locked(w), SHUTDOWN)),
  admin('NO_OP', 'UNLOCK of an unlocked node', (w) => w.administer(w.other, UNLOCK)),
  admin('NOT_EXIST', 'no such node', (w) => w.administer(4711, LOCK)),
  admin('INVALID_PARAM', 'nodeId 0', (w) => w.administer(0, LOCK)),
  admin('INVALID_PARAM', 'an unknown operation', (w) => w.administer(w.other, 9)),
  admin('INVALID_PARAM', 'a time supervision of more than an hour', (w) =>
    w.administer(w.other, LOCK, { supervisionMs: 3_600_001 }),
  ),
  admin('NOT_SUPPORTED', 'RESET', (w) => w.administer(w.other, RESET)),
  admin('BUSY', 'a second operation while the first is validated', async (w) => {
    await asked(w);
    return w.administer(w.other, LOCK);
  }),
  admin('FAILED_OPERATION', 'LOCK, and a subscriber has REJECTED', async (w) => {
    const a = await asked(w);
    await w.respond(a.subscriber, REJECTED);
    return a.ended;
  }),
  admin('FAILED_OPERATION', 'SHUTDOWN, and an UNLOCK came in between', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    const rc = await w.administer(w.other, UNLOCK);
    return rc === SA_AIS_OK ? a.ended : `UNLOCK answered ${rc}`;
  }),
  admin('OK', 'SHUTDOWN, and a LOCK has ended its waiting', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    const lock = w.administer(w.other, LOCK, { supervisionMs: 50 });
    await w.tick();
    w.elapse(50);
    return (await lock) === SA_AIS_OK ? a.ended : `LOCK answered ${await lock}`;
  }),
  {
    ...admin('ACCESS', 'neither root nor the user of the executive', (w) =>
      w.administer(w.other, LOCK, { uid: 65_534 }),
    ),
    inProcessOnly: true,
  },
  {
    ...admin('ACCESS', 'a user that the platform does not tell', (w) =>
      w.administer(w.other, LOCK, { uid: -1 }),
    ),
    inProcessOnly: true,
  },
];

export const trackingRows: readonly Row[] = [
  ...trackRows,
  ...changeRows,
  ...stepRows,
  ...evictionRows,
  ...stopRows,
  ...responseRows,
  ...adminRows,
];
