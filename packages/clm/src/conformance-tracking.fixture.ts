/** Rows of the conformance table: tracking without steps, and its end (AIS B.4). */
import {
  SA_TRACK_CHANGES as CHANGES,
  SA_TRACK_CURRENT as CURRENT,
  SA_TRACK_LOCAL as LOCAL,
  SA_TRACK_CHANGES_ONLY as ONLY,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_TRACK_START_STEP as START,
  SA_TRACK_VALIDATE_STEP as VALIDATE,
} from '@aisexec/ais';
import type { SaClmCallbacksT, SaClmClusterNotificationBufferT } from './client/literal-types.ts';
import {
  both,
  emptyBuffer,
  FORGED,
  LOCK,
  onlyB04,
  type Row,
  UNLOCK,
  type World,
  whenStale,
} from './conformance-world.fixture.ts';

const TRACK: SaClmCallbacksT = { saClmClusterTrackCallback: () => {} };

const tracks = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterTrack', 'saClmClusterTrack_4', expect, cause, run);
const stops = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterTrackStop', 'saClmClusterTrackStop', expect, cause, run);
const flags = (value: number) => async (w: World, generation: 1 | 4) =>
  (await w.track(generation, await w.open(generation, TRACK), value)).rc;

const trackRows: readonly Row[] = [
  ...tracks('OK', 'CURRENT', flags(CURRENT)),
  ...tracks('OK', 'CHANGES', flags(CHANGES)),
  ...tracks('OK', 'CURRENT, CHANGES_ONLY and LOCAL', flags(CURRENT | ONLY | LOCAL)),
  ...onlyB04(
    'saClmClusterTrack_4',
    'OK',
    'CHANGES with both steps',
    flags(CHANGES | START | VALIDATE),
  ),
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

export const trackingRows: readonly Row[] = [...trackRows, ...changeRows];
export const trackingEndRows: readonly Row[] = [...evictionRows, ...stopRows];
