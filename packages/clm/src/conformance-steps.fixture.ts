/** Rows of the conformance table: the steps that a subscriber is asked for, and its responses (AIS B.4). */
import {
  SA_TRACK_CHANGES_ONLY as ONLY,
  SA_TRACK_START_STEP as START,
  SA_TRACK_VALIDATE_STEP as VALIDATE,
} from '@aisexec/ais';
import type { SaClmClusterNotificationBufferT } from './client/literal-types.ts';
import {
  FORGED,
  LOCK,
  onlyB04,
  type Row,
  SHUTDOWN,
  UNLOCK,
  type World,
} from './conformance-world.fixture.ts';

export const [OK, REJECTED, ERROR] = [1, 2, 3] as const;

const step = (expect: string, cause: string, run: Parameters<typeof onlyB04>[3]) =>
  onlyB04('saClmClusterTrack_4', expect, cause, run);
const response = (expect: string, cause: string, run: Parameters<typeof onlyB04>[3]) =>
  onlyB04('saClmResponse_4', expect, cause, run);

/** A subscriber at home to both steps, and an operation on another node that awaits it. */
export async function asked(
  w: World,
  operation = LOCK,
  supervisionMs = 60_000,
  steps = VALIDATE | START,
) {
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

export const stepRows: readonly Row[] = [
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

export const responseRows: readonly Row[] = [
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
