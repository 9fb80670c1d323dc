import {
  isSaAisError,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { type ClientCluster, createClientCluster } from '../cluster.fixture.ts';
import { createLckService } from '../service/index.ts';
import type { LckInspection } from '../service/inspect.ts';
import { LockLostError, LockNotGranted } from './errors.ts';
import type { HeldLock } from './held-lock.ts';
import type { Waiter } from './lock-resource.ts';
import { LockService } from './lock-service.ts';

const connect = (env: ClientCluster, node = 1) =>
  LockService.connect({ connector: env.connector(node), retry: false });

const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((e: unknown) => e);

const tableOf = (env: ClientCluster, node = 1) =>
  env.cluster.host(node).inspect('lck') as LckInspection;

/** Resolves when the lock is lost. */
const lossOf = (lock: HeldLock): Promise<unknown> =>
  new Promise((resolve) => {
    if (lock.signal.aborted) resolve(lock.signal.reason);
    lock.signal.addEventListener('abort', () => resolve(lock.signal.reason));
  });

async function pair(nodes = 1) {
  const env = createClientCluster(nodes);
  const mine = await (await connect(env)).open('r', { create: true });
  const theirs = await (await connect(env, nodes)).open('r', { create: true });
  return { env, mine, theirs };
}

describe('a lock', () => {
  test('is held until it is unlocked, with a token that rises from holder to holder', async () => {
    const { mine, theirs } = await pair(3);
    const first = await mine.acquire('EX');
    const second = theirs.acquire('EX');
    expect(await theirs.tryAcquire('EX')).toBeUndefined();
    await first.unlock();
    expect(first.lost).toBe('released');
    expect(first.signal.reason).toBeInstanceOf(LockLostError);
    expect((await second).fencingToken).toBeGreaterThan(first.fencingToken);
    await first.unlock();
  });

  test('is shared in mode PR', async () => {
    const { mine, theirs } = await pair();
    await mine.acquire('PR');
    const other = await theirs.lock('PR');
    expect(other.status).toBe('granted');
  });

  test('is released by disposing of it, of its resource and of its service', async () => {
    const env = createClientCluster();
    const other = await (await connect(env)).open('r', { create: true });
    const scopes = [
      async () => {
        await using service = await connect(env);
        await using resource = await service.open('r');
        await using lock = await resource.acquire('EX');
        expect(lock.lost).toBeUndefined();
      },
      async () => {
        await using service = await connect(env);
        const lock = await (await service.open('r')).acquire('EX');
        expect(lock.lost).toBeUndefined();
      },
      async () => {
        const service = await connect(env);
        await using resource = await service.open('r');
        await resource.acquire('EX');
      },
    ];
    for (const scope of scopes) {
      await scope();
      const lock = await other.acquire('EX');
      await lock.unlock();
    }
  });

  test('of two tasks of one process: the second waits for the first', async () => {
    const env = createClientCluster();
    const service = await connect(env);
    const order: string[] = [];
    const task = (name: string) =>
      service.withLock('job', async () => {
        order.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} out`);
      });
    await Promise.all([task('a'), task('b')]);
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out']);
    expect(tableOf(env).resources).toEqual([]);
  });

  test('answers deadlock and duplicate-ex to who asks for them, as statuses or as LockNotGranted', async () => {
    const { mine } = await pair();
    await mine.acquire('EX');
    expect(await mine.lock('EX', { detectDeadlock: true })).toEqual({ status: 'duplicate-ex' });
    expect(await mine.lock('PR', { detectDeadlock: true })).toEqual({ status: 'deadlock' });
    const refused = await failure(mine.acquire('PR', { detectDeadlock: true }));
    expect(refused).toBeInstanceOf(LockNotGranted);
    expect(refused).toMatchObject({ status: 'deadlock', resource: 'r' });
  });

  test('asked with orphan outlives its owner until it is purged', async () => {
    const env = createClientCluster();
    const service = await connect(env);
    const other = await (await connect(env)).open('r', { create: true });
    await (await service.open('r')).acquire('EX', { orphan: true });
    await service.close();
    expect(await other.lock('EX', { orphan: true })).toEqual({ status: 'orphaned' });
    await other.purgeOrphans();
    expect((await other.lock('EX')).status).toBe('granted');
  });
});

describe('waiting', () => {
  test('an abort gives up the place in the queue, and a time-out, too', async () => {
    const { env, mine, theirs } = await pair();
    const held = await mine.acquire('EX');
    const controller = new AbortController();
    const aborted = failure(theirs.lock('EX', { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await aborted).toMatchObject({ name: 'AbortError' });
    const late = await failure(theirs.lock('EX', { timeoutMs: 5 }));
    expect(isSaAisError(late, SA_AIS_ERR_TIMEOUT)).toBe(true);
    await theirs.purgeOrphans();
    expect(tableOf(env).resources[0]?.waiting).toEqual([]);
    await held.unlock();
    expect(tableOf(env).locks).toBe(0);
  });

  test('a grant that an abort overtakes is released', async () => {
    const { env, mine, theirs } = await pair();
    const controller = new AbortController();
    const pending = failure(mine.lock('EX', { signal: controller.signal }));
    // The request is on its way; the executive will grant it after this.
    controller.abort();
    expect(await pending).toMatchObject({ name: 'AbortError' });
    const lock = await theirs.acquire('EX');
    expect(lock.lost).toBeUndefined();
    expect(tableOf(env).locks).toBe(1);
  });

  test('the holder is told who waits', async () => {
    const env = createClientCluster(3);
    const told: Waiter[] = [];
    const service = await connect(env);
    const mine = await service.open('r', { create: true, onWaiter: (waiter) => told.push(waiter) });
    const held = await mine.acquire('EX');
    const theirs = await (await connect(env, 3)).open('r');
    const waits = theirs.acquire('PR', { waiterSignal: 77n });
    await theirs.purgeOrphans();
    await mine.purgeOrphans();
    expect(told).toEqual([{ lock: held, signal: 77n, modeRequested: 'PR' }]);
    await held.unlock();
    expect((await waits).mode).toBe('PR');
  });

  test('hundreds of waiting tasks do not keep the unlock from its way', async () => {
    const env = createClientCluster();
    const service = await connect(env);
    let inside = 0;
    let runs = 0;
    const task = () =>
      service.withLock('job', () => {
        inside++;
        expect(inside).toBe(1);
        runs++;
        inside--;
      });
    await Promise.all(Array.from({ length: 300 }, task));
    expect(runs).toBe(300);
  });
});

describe('losing a lock', () => {
  test('with the quorum: the signal says so, and after the merge it is free', async () => {
    const { env, theirs } = await pair(3);
    const held = await theirs.acquire('EX');
    const loss = lossOf(held);
    env.cluster.split([[1, 2], [3]]);
    expect(await loss).toMatchObject({ name: 'LockLostError', reason: 'node-isolated' });
    await held.unlock();
    env.cluster.heal();
    expect((await theirs.acquire('EX')).fencingToken).toBeGreaterThan(held.fencingToken);
  });

  test('more than one node without quorum: that is said instead', async () => {
    const { env, mine } = await pair(4);
    const held = await mine.acquire('EX');
    const halves = [
      [1, 2],
      [3, 4],
    ];
    env.cluster.split(halves);
    expect(await lossOf(held)).toMatchObject({ reason: 'quorum-lost' });
  });

  test('its node is removed from the membership: revoked, and the next call is UNAVAILABLE', async () => {
    const { env, mine, theirs } = await pair(3);
    const held = await theirs.acquire('EX');
    const next = mine.acquire('EX');
    await whileRemoved({ connector: env.connector(1) }, 3, async () => {
      expect(await lossOf(held)).toMatchObject({ reason: 'revoked' });
      expect((await next).fencingToken).toBeGreaterThan(held.fencingToken);
    });
    expect(await failure(theirs.acquire('EX'))).toMatchObject({ code: SA_AIS_ERR_UNAVAILABLE });
    await held.unlock();
    await theirs.close();
    const again = await connect(env, 3);
    expect(await (await again.open('r')).tryAcquire('EX')).toBeUndefined();
  });

  test('an administrator revokes it: of one token or of all, and never without the right', async () => {
    const administrators = [process.getuid?.() ?? -1];
    const env = createClientCluster(3, createLckService({ administrators }));
    const services = await Promise.all([1, 2, 3].map((node) => connect(env, node)));
    const opens = await Promise.all(services.map((one) => one.open('r', { create: true })));
    const first = await opens[0]!.acquire('EX');
    const second = opens[1]!.acquire('EX');
    expect(await services[2]!.revoke('r', { fencingToken: 1n })).toBe(0);
    expect(await services[2]!.revoke('r', { fencingToken: first.fencingToken })).toBe(1);
    expect(await lossOf(first)).toMatchObject({ reason: 'revoked' });
    await first.unlock();
    const granted = await second;
    expect(granted.fencingToken).toBeGreaterThan(first.fencingToken);
    const request = { name: 'r', token: null };
    const stranger = env.cluster.client(1, 'lck', administrators[0]! + 1);
    expect(stranger.request('revoke', request)).toEqual({ rc: SA_AIS_ERR_ACCESS });
    expect(granted.lost).toBeUndefined();
    expect(await failure(services[2]!.revoke('unknown'))).toMatchObject({
      code: SA_AIS_ERR_NOT_EXIST,
    });
    env.cluster.split([[1, 2], [3]]);
    expect(await failure(services[2]!.revoke('r'))).toMatchObject({ code: SA_AIS_ERR_TRY_AGAIN });
  });

  test('when the same part is quorate again, a lock whose holder was told is given up', async () => {
    const { env, mine, theirs } = await pair(3);
    const held = await mine.acquire('EX');
    env.cluster.split([[1], [2], [3]]);
    expect(await lossOf(held)).toMatchObject({ reason: 'node-isolated' });
    env.cluster.heal();
    expect((await theirs.acquire('EX')).lost).toBeUndefined();
  });

  test('with the connection: at once, and later calls fail', async () => {
    const { env, mine } = await pair();
    const held = await mine.acquire('EX');
    const waits = failure(mine.acquire('EX'));
    await mine.lock('PR', { noQueue: true });
    env.drop(1);
    expect(await lossOf(held)).toMatchObject({ reason: 'session-lost' });
    expect(isSaAisError(await waits, SA_AIS_ERR_LIBRARY)).toBe(true);
    await held.unlock();
    await mine.close();
  });

  test('inside withLock fails the call, unless the function failed first', async () => {
    const env = createClientCluster(3);
    const service = await connect(env, 3);
    const losing = service.withLock('job', async (lock) => {
      env.cluster.split([[1, 2], [3]]);
      await lossOf(lock);
      return 'done';
    });
    expect(await failure(losing)).toMatchObject({ name: 'LockLostError', reason: 'node-isolated' });
    env.cluster.heal();
    const failing = service.withLock('job', () => {
      throw new Error('mine');
    });
    expect(await failure(failing)).toMatchObject({ message: 'mine' });
    expect(tableOf(env).resources).toEqual([]);
  });
});

describe('errors', () => {
  test('a resource that does not exist, a name that is too long, no executive', async () => {
    const env = createClientCluster();
    const service = await connect(env);
    const code = async (promise: Promise<unknown>) =>
      ((await failure(promise)) as { code?: number }).code;
    expect(await code(service.open('absent'))).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(await code(service.open('x'.repeat(257)))).toBe(SA_AIS_ERR_INVALID_PARAM);
    const nowhere = { connect: () => Promise.reject(new Error('refused')) };
    expect(await code(LockService.connect({ connector: nowhere }))).toBe(SA_AIS_ERR_LIBRARY);
  });

  test('a connection that an abort overtakes is ended, a wrong mode throws TypeError', async () => {
    const env = createClientCluster();
    const options = { connector: env.connector(1), signal: AbortSignal.abort() };
    expect(await failure(LockService.connect(options))).toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const connecting = failure(
      LockService.connect({ connector: env.connector(1), signal: controller.signal }),
    );
    controller.abort();
    expect(await connecting).toMatchObject({ name: 'AbortError' });
    const resource = await (await connect(env)).open('r', { create: true });
    expect(env.cluster.host(1).stats()['clients']).toBe(1);
    await expect(resource.lock('ex' as 'EX')).rejects.toThrow(TypeError);
  });

  test('without quorum a request that may not wait is TRY_AGAIN', async () => {
    const { env, theirs } = await pair(3);
    env.cluster.split([[1, 2], [3]]);
    const refused = await failure(theirs.tryAcquire('EX'));
    expect(isSaAisError(refused, SA_AIS_ERR_TRY_AGAIN)).toBe(true);
  });
});
