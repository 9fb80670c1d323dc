import {
  isSaAisError,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import { clmAdminOperation, NodeAdmin } from './admin.ts';
import { SA_CLM_ADMIN_LOCK } from './constants.ts';
import { Membership, type StepOptions } from './membership.ts';
import type { MembershipChange, RemovalStep } from './view.ts';

const BOTH: StepOptions = { steps: ['validate', 'start'] };
const tick = () => new Promise((resolve) => setImmediate(resolve));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => SA_AIS_OK,
    (error: unknown) => (isSaAisError(error) ? error.code : error),
  );

async function setUp({ nodes = 3, at = 1 } = {}) {
  const { cluster, connector } = createClientCluster(nodes);
  const membership = await Membership.connect({ connector: connector(at) });
  const admin = await NodeAdmin.connect({ connector: connector(2) });
  return { cluster, connector, membership, admin };
}

async function next(changes: AsyncIterator<MembershipChange>): Promise<MembershipChange> {
  const { value } = await changes.next();
  return value;
}

async function nextStep(changes: AsyncIterator<MembershipChange>): Promise<RemovalStep> {
  const change = await next(changes);
  if (change.step !== 'validate' && change.step !== 'start') throw new Error(change.step);
  return change;
}

describe('track with steps', () => {
  test('yields validate, start and the view without the node', async () => {
    const { membership, admin } = await setUp();
    const changes = membership.track(BOTH);
    expect(await next(changes)).toMatchObject({ step: 'completed', viewNumber: 1n });
    const locked = admin.lock(3, { supervisionMs: 5_000 });
    const validate = await nextStep(changes);
    expect(validate).toMatchObject({
      step: 'validate',
      removal: 'leave',
      node: { nodeId: 3 },
      viewNumber: 1n,
      timeSupervisionMs: 5_000,
    });
    expect(validate.members).toHaveLength(3);
    expect(await validate.respond('ok')).toBe(true);
    const start = await nextStep(changes);
    expect(start.step).toBe('start');
    expect(await start.respond('ok')).toBe(true);
    await locked;
    const view = await next(changes);
    expect(view).toMatchObject({ step: 'completed', viewNumber: 2n, left: [{ nodeId: 3 }] });
    expect(await start.respond('ok')).toBe(false);
    expect(await codeOf(admin.lock(3))).toBe(SA_AIS_ERR_NO_OP);
  });

  test('a rejection aborts, and the lock fails', async () => {
    const { membership, admin } = await setUp();
    const changes = membership.track(BOTH);
    await next(changes);
    const code = codeOf(admin.lock(3));
    await (await nextStep(changes)).respond('rejected');
    expect(await code).toBe(SA_AIS_ERR_FAILED_OPERATION);
    expect(await next(changes)).toMatchObject({ step: 'aborted', node: { nodeId: 3 } });
    expect(await membership.members()).toHaveLength(3);
  });

  test('does not go on while an answer is owed', async () => {
    const { membership, admin } = await setUp();
    const changes = membership.track(BOTH);
    await next(changes);
    const locked = admin.lock(3);
    await nextStep(changes);
    expect(await codeOf(changes.next())).toBe(SA_AIS_ERR_BAD_OPERATION);
    expect(await changes.next()).toMatchObject({ done: true });
    // Its subscription to steps ended with it, so nobody is waited for.
    await locked;
  });

  test('unless it was told what silence means', async () => {
    const { membership, admin } = await setUp();
    const changes = membership.track({ ...BOTH, unanswered: 'ok' });
    await next(changes);
    const locked = admin.lock(3);
    expect([(await next(changes)).step, (await next(changes)).step]).toEqual(['validate', 'start']);
    expect(await next(changes)).toMatchObject({ step: 'completed', left: [{ nodeId: 3 }] });
    await locked;
  });

  test('or it leaves the step to its time supervision', async () => {
    const { cluster, membership, admin } = await setUp();
    const changes = membership.track({ steps: ['validate'], unanswered: 'wait' });
    await next(changes);
    const locked = admin.lock(3, { supervisionMs: 1_000 });
    const validate = await nextStep(changes);
    const following = next(changes);
    await tick();
    cluster.advance(1_000);
    await locked;
    expect(await following).toMatchObject({ step: 'completed', left: [{ nodeId: 3 }] });
    expect(await validate.respond('ok')).toBe(false);
  });

  test('what was not taken before the removal ended is not told afterwards', async () => {
    const { cluster, membership, admin } = await setUp();
    const changes = membership.track(BOTH);
    await next(changes);
    const locked = admin.lock(3, { supervisionMs: 10 });
    await tick();
    cluster.advance(10);
    await tick();
    cluster.advance(10);
    await locked;
    expect(await next(changes)).toMatchObject({ step: 'completed', left: [{ nodeId: 3 }] });
  });

  test('views of other changes come in between, in order', async () => {
    const { cluster, membership, admin } = await setUp({ nodes: 4 });
    const changes = membership.track({ ...BOTH, unanswered: 'wait' });
    await next(changes);
    const locked = admin.lock(3);
    const validate = await nextStep(changes);
    cluster.kill(4);
    expect(await next(changes)).toMatchObject({ step: 'completed', left: [{ nodeId: 4 }] });
    await validate.respond('ok');
    await (await nextStep(changes)).respond('ok');
    await locked;
    expect(await next(changes)).toMatchObject({ step: 'completed', left: [{ nodeId: 3 }] });
  });

  test('is for one iterator at a time; others see views only', async () => {
    const { membership, admin } = await setUp();
    const views = membership.track();
    await views.next();
    const changes = membership.track({ ...BOTH, unanswered: 'ok' });
    await next(changes);
    expect(await codeOf(membership.track(BOTH).next())).toBe(SA_AIS_ERR_BUSY);
    const locked = admin.lock(3);
    const seen: string[] = [];
    for await (const { step } of changes) {
      seen.push(step);
      if (step === 'completed') break;
    }
    await locked;
    expect(seen).toEqual(['validate', 'start', 'completed']);
    expect((await views.next()).value).toMatchObject({ left: [{ nodeId: 3 }] });
    const again = membership.track(BOTH);
    expect(await next(again)).toMatchObject({ step: 'completed' });
  });
});

describe('administration', () => {
  test('a member that is locked ends its clients: the last view, then UNAVAILABLE', async () => {
    const { connector, membership, admin } = await setUp({ at: 3 });
    const views = membership.track();
    await views.next();
    await membership.admin.lock(3);
    expect((await views.next()).value).toMatchObject({ left: [{ nodeId: 3 }] });
    expect(await codeOf(views.next())).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(await codeOf(membership.members())).toBe(SA_AIS_ERR_UNAVAILABLE);
    const connect = { connector: connector(3) };
    expect(await codeOf(Membership.connect(connect))).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(await admin.nodes()).toContainEqual({
      nodeId: 3,
      name: 'node-3',
      member: false,
      state: 'locked',
    });
    await membership.admin.unlock(3);
    expect(await codeOf(membership.members())).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(await (await Membership.connect(connect)).members()).toHaveLength(3);
  });

  test('a shutdown waits for who prepares, an unlock calls it off', async () => {
    const { membership, admin } = await setUp();
    const changes = membership.track({ steps: ['start'] });
    await next(changes);
    const code = codeOf(admin.shutdown(3));
    const start = await nextStep(changes);
    expect(start).toMatchObject({ removal: 'shutdown', timeSupervisionMs: null });
    expect((await admin.nodes())[2]).toMatchObject({ state: 'shutting-down', member: true });
    await admin.unlock(3);
    expect(await code).toBe(SA_AIS_ERR_FAILED_OPERATION);
    expect(await next(changes)).toMatchObject({ step: 'aborted', removal: 'unlock' });
  });

  test('is refused to others than root and the executive’s user', async () => {
    const { connector } = await setUp();
    const connect = { connector: connector(1, 1000) };
    expect(await clmAdminOperation(3, SA_CLM_ADMIN_LOCK, connect)).toEqual({
      rc: SA_AIS_ERR_ACCESS,
    });
    await using admin = await NodeAdmin.connect(connect);
    expect(await codeOf(admin.lock(3))).toBe(SA_AIS_ERR_ACCESS);
    expect(await admin.nodes()).toHaveLength(3);
  });

  test('an executive that does not answer is its code, too', async () => {
    const socket = '/nonexistent/aisexec.sock';
    const { rc } = await clmAdminOperation(3, SA_CLM_ADMIN_LOCK, { socket });
    expect(rc).toBe(6);
  });
});
