/** Operations on nodes: what locks, shutdowns and unlocks ask, do and answer. */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
} from '@aisexec/ais';
import { createTestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { createClmService } from './index.ts';
import { CLM_ADMIN_RECORDS_MAX } from './limits.ts';
import { cluster, heard, operate, respond, states, subscriber } from './operations.fixture.ts';
import { administer } from './operations.ts';
import { createState } from './state.ts';

describe('locking a node', () => {
  test('asks, starts, completes: each subscriber hears what it asked for', () => {
    const c = cluster();
    const asked = subscriber(c, 1, { steps: 'vs', mode: 'changes' });
    const told = subscriber(c, 2, { steps: 's' });
    const plain = subscriber(c, 3);
    const other = subscriber(c, 1, { steps: 'vs', local: true });
    const lock = operate(c, 'lock', 3);
    expect(asked.callbacks[0]?.payload).toMatchObject({
      step: 'validate',
      memberCount: 3,
      cause: 'node-3',
      timeSupervision: 1_000_000_000n,
      evicted: false,
    });
    expect(respond(asked, 'ok')).toBe(SA_AIS_OK);
    expect(heard(asked)).toEqual(['validate 1 2 3-', 'start 1 2 3-']);
    expect(lock.rc).toBeUndefined();
    expect(respond(told, 'ok')).toBe(SA_AIS_OK);
    c.advance(1_000);
    expect(lock.rc).toBe(SA_AIS_OK);
    expect(heard(asked)).toEqual(['completed 1 2 3-']);
    expect(heard(told)).toEqual(['start 3-', 'completed 3-']);
    expect(plain.callbacks[0]?.payload).toMatchObject({ viewNumber: 2n, evicted: true });
    expect(heard(plain)).toEqual(['completed 3-']);
    expect(heard(other)).toEqual([]);
    expect(states(c)).toBe('1 unlocked member, 2 unlocked member, 3 locked');
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('REJECTED to VALIDATE aborts it; REJECTED to START does not', () => {
    const c = cluster();
    const client = subscriber(c, 2, { steps: 'vs' });
    const first = operate(c, 'lock', 3);
    respond(client, 'rejected');
    expect(first.rc).toBe(SA_AIS_ERR_FAILED_OPERATION);
    expect(heard(client)).toEqual(['validate 3-', 'aborted 3-']);
    const second = operate(c, 'lock', 3);
    respond(client, 'ok');
    respond(client, 'rejected');
    expect(second.rc).toBe(SA_AIS_OK);
    expect(heard(client)).toEqual(['validate 3-', 'start 3-', 'completed 3-']);
  });

  test('ERROR, silence past the time supervision, and death of the asked stop nothing', () => {
    const c = cluster();
    const failing = subscriber(c, 1, { steps: 'v' });
    const silent = subscriber(c, 2, { steps: 'vs' });
    const dying = subscriber(c, 1, { steps: 's' });
    const lock = operate(c, 'lock', 3);
    respond(failing, 'error');
    c.advance(999);
    expect(heard(silent)).toEqual(['validate 3-']);
    c.advance(1);
    expect(silent.callbacks).toHaveLength(1);
    expect(lock.rc).toBeUndefined();
    dying.close();
    c.run();
    expect(lock.rc).toBeUndefined();
    c.advance(1_000);
    expect(lock.rc).toBe(SA_AIS_OK);
    expect(respond(silent, 'ok')).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(heard(silent)).toEqual(['start 3-', 'completed 3-']);
  });

  test('the node of the one who was asked may die', () => {
    const c = cluster();
    subscriber(c, 2, { steps: 'vs' });
    const lock = operate(c, 'lock', 3);
    expect(lock.rc).toBeUndefined();
    c.kill(2);
    expect(lock.rc).toBe(SA_AIS_OK);
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('the node itself may die meanwhile: it is locked when it comes back', () => {
    const c = cluster();
    subscriber(c, 2, { steps: 'vs' });
    const lock = operate(c, 'lock', 3);
    c.kill(3);
    expect(lock.rc).toBe(SA_AIS_OK);
    c.restart(3);
    expect(states(c, 3)).toBe('1 unlocked member, 2 unlocked member, 3 locked');
    expect(c.client(3, 'clm').request('standing', {})).toEqual({ rc: SA_AIS_ERR_UNAVAILABLE });
  });

  test.each([
    ['lock', 3, 3, SA_AIS_ERR_NO_OP],
    ['shutdown', 3, 3, SA_AIS_ERR_NO_OP],
    ['unlock', 2, 3, SA_AIS_ERR_NO_OP],
    ['lock', 9, 3, SA_AIS_ERR_NOT_EXIST],
    ['lock', 0, 3, SA_AIS_ERR_INVALID_PARAM],
    ['lock', 0xffff_ffff, 3, SA_AIS_OK],
  ])('%s of node %i where node %i is locked', (operation, nodeId, locked, rc) => {
    const c = cluster();
    expect(operate(c, 'lock', locked).rc).toBe(SA_AIS_OK);
    expect(operate(c, operation, nodeId, 2).rc).toBe(rc);
  });

  test('is for administrators: root and who was named, never an unknown user', () => {
    const c = cluster();
    expect(operate(c, 'lock', 3, 1, 1000).rc).toBe(SA_AIS_ERR_ACCESS);
    expect(operate(c, 'lock', 3, 1, -1).rc).toBe(SA_AIS_ERR_ACCESS);
    const careless = createClmService({ administrators: [-1] });
    const open = createTestCluster({ nodes: 1, services: [careless], seed: 1 });
    expect(operate(open, 'lock', 1, 1, -1).rc).toBe(SA_AIS_ERR_ACCESS);
    expect(operate(c, 'lock', 3, 1, 33).rc).toBe(SA_AIS_OK);
  });
});

describe('records of nodes', () => {
  const member = (nodeId: number) => ({
    nodeId,
    name: `node-${nodeId}`,
    address: { family: 'inet', text: '192.0.2.1' } as const,
    bootTime: 0n,
  });
  const members = [member(1), member(2)];
  const view = { ringId: { rep: 1, seq: 4 }, members, joined: [], left: [], quorate: true };
  const ctx = {
    view,
    order: 5_000n,
    time: 0n,
    version: 1,
    steady: 0n,
    reply: () => {},
    replyWhenCertain: () => {},
    callback: () => {},
  };
  const source = { node: 1, connection: 1, request: 1 };
  const lock = { operation: 'lock', nodeId: 2, supervisionMs: 0 } as const;

  function full(isLocked: (nodeId: number) => boolean) {
    const state = createState();
    for (let nodeId = 1_000; state.records.size < CLM_ADMIN_RECORDS_MAX; nodeId++) {
      const locked = isLocked(nodeId);
      state.records.set(nodeId, { locked, changed: BigInt(3_000 - nodeId), evicted: 1n });
    }
    return state;
  }

  test('when all are needed, one more is NO_RESOURCES', () => {
    const state = full(() => true);
    expect(administer(state, lock, source, ctx)).toBe(SA_AIS_ERR_NO_RESOURCES);
    expect(state.records.size).toBe(CLM_ADMIN_RECORDS_MAX);
  });

  test('the unlocked and absent node decided on first makes room', () => {
    const state = full((nodeId) => nodeId !== 1_100 && nodeId !== 1_200);
    expect(administer(state, lock, source, ctx)).toBeUndefined();
    expect(state.records.has(1_100)).toBe(true);
    expect(state.records.has(1_200)).toBe(false);
    expect(state.records.get(2)).toEqual({ locked: true, changed: 5_000n, evicted: 5_000n });
  });
});

describe('shutting a node down', () => {
  test('waits for every answer to START, however long it takes', () => {
    const c = cluster();
    const client = subscriber(c, 2, { steps: 's' });
    const shutdown = operate(c, 'shutdown', 3);
    expect(client.callbacks[0]?.payload).toMatchObject({ step: 'start', timeSupervision: null });
    c.advance(3_600_000);
    expect(shutdown.rc).toBeUndefined();
    expect(states(c)).toBe('1 unlocked member, 2 unlocked member, 3 shutting-down member');
    expect(operate(c, 'shutdown', 3).rc).toBe(SA_AIS_ERR_BUSY);
    respond(client, 'ok');
    expect(shutdown.rc).toBe(SA_AIS_OK);
    expect(heard(client)).toEqual(['start 3s', 'completed 3-']);
  });

  test('an unlock ends it, a lock hurries it', () => {
    const c = cluster();
    const client = subscriber(c, 2, { steps: 's' });
    const first = operate(c, 'shutdown', 3);
    expect(operate(c, 'unlock', 3).rc).toBe(SA_AIS_OK);
    expect(first.rc).toBe(SA_AIS_ERR_FAILED_OPERATION);
    expect(heard(client)).toEqual(['start 3s', 'aborted 3u']);
    const second = operate(c, 'shutdown', 3);
    const lock = operate(c, 'lock', 3, 2);
    expect([second.rc, lock.rc]).toEqual([undefined, undefined]);
    c.advance(1_000);
    expect([second.rc, lock.rc]).toEqual([SA_AIS_OK, SA_AIS_OK]);
    expect(heard(client)).toEqual(['start 3s', 'completed 3-']);
  });

  test('giving up the subscription gives up the answer', () => {
    const c = cluster();
    const client = subscriber(c, 2, { steps: 's' });
    const shutdown = operate(c, 'shutdown', 3);
    client.request('trackStop', { admission: 0n });
    expect(shutdown.rc).toBe(SA_AIS_OK);
  });
});

describe('a locked node', () => {
  test('is no member: its clients are stale, and stay so after it is readmitted', () => {
    const c = cluster();
    const old = subscriber(c, 3);
    const watcher = subscriber(c, 1);
    operate(c, 'lock', 3);
    const local = { admission: 0n, local: false };
    expect(old.request('current', local)?.rc).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(watcher.request('nodeGet', { admission: 0n, nodeId: 3 })?.rc).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(operate(c, 'unlock', 3, 3).rc).toBe(SA_AIS_OK);
    expect(heard(watcher)).toEqual(['completed 3-', 'completed 3+']);
    const fresh = c.client(3, 'clm').request('standing', {});
    expect(fresh?.rc).toBe(SA_AIS_OK);
    expect(fresh?.['admission']).toBeGreaterThan(0n);
    for (const [fn, argument] of [
      ['current', local],
      ['track', { ...local, mode: 'changes', validate: false, start: false, subscription: 2 }],
      ['trackStop', { admission: 0n }],
      ['nodeGet', { admission: 0n, nodeId: 1 }],
      ['respond', { admission: 0n, invocation: 1n, response: 'ok' }],
      ['standing', { admission: 0n }],
    ] as const) {
      expect([fn, old.request(fn, argument)?.rc]).toEqual([fn, SA_AIS_ERR_UNAVAILABLE]);
    }
    const view = watcher.request('current', local)?.['view'];
    expect(view.nodes[2].node.initialView).toBe(view.viewNumber);
  });

  test('stays locked through its restarts, and can be unlocked while it is away', () => {
    const c = cluster();
    operate(c, 'lock', 3);
    c.restart(3);
    expect(states(c)).toContain('3 locked');
    c.kill(3);
    expect(operate(c, 'unlock', 3).rc).toBe(SA_AIS_OK);
    c.restart(3);
    expect(states(c, 3)).toContain('3 unlocked member');
  });

  test('the last member can be locked and unlocked', () => {
    const c = cluster(1);
    expect(operate(c, 'lock', 1).rc).toBe(SA_AIS_OK);
    expect(c.client(1, 'clm').request('standing', {})?.rc).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(operate(c, 'unlock', 1).rc).toBe(SA_AIS_OK);
    expect(c.client(1, 'clm').request('standing', {})?.rc).toBe(SA_AIS_OK);
  });
});
