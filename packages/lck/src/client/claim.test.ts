/** Leader election and semaphores, on clients of several nodes. */
import { SA_AIS_ERR_TIMEOUT } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import type { LckInspection } from '../service/inspect.ts';
import type { HeldLock } from './held-lock.ts';
import { SEMAPHORE_SLOTS_MAX } from './limits.ts';
import { LockService } from './lock-service.ts';

async function clientsOf(count: number) {
  const env = createClientCluster(3);
  const connect = (_: unknown, i: number) =>
    LockService.connect({ connector: env.connector(1 + (i % 3)) });
  const services = await Promise.all(Array.from({ length: count }, connect));
  const table = () => env.cluster.host(1).inspect('lck') as LckInspection;
  return { ...env, services, table };
}

/** Something to wait for, and to let go. */
function createGate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

describe('elect', () => {
  test('one leads, the next leads when it resigns, with a higher token', async () => {
    const { services } = await clientsOf(2);
    const first = await services[0]!.elect('office');
    const waits = services[1]!.elect('office');
    await expect(services[1]!.elect('office', { timeoutMs: 5 })).rejects.toMatchObject({
      code: SA_AIS_ERR_TIMEOUT,
    });
    await first.resign();
    const second = await waits;
    expect([first.lost, second.lost]).toEqual(['released', undefined]);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    expect([first.name, second.name]).toEqual(['office', 'office']);
  });

  test('a leader without quorum is told, and is no candidate any more', async () => {
    const { services, cluster } = await clientsOf(3);
    const leader = await services[2]!.elect('office');
    const told = new Promise((resolve) => {
      leader.signal.addEventListener('abort', resolve, { once: true });
    });
    cluster.split([[1, 2], [3]]);
    await told;
    expect(leader.lost).toBe('node-isolated');
    const next = await services[0]!.elect('office');
    cluster.heal();
    expect(next.lost).toBeUndefined();
    expect(next.fencingToken).toBeGreaterThan(leader.fencingToken);
    await leader.resign();
    await next.resign();
  });

  test('an abort withdraws the candidate and leaves nothing behind', async () => {
    const { services, table, cluster } = await clientsOf(2);
    await using leader = await services[0]!.elect('office');
    const stop = new AbortController();
    const waits = services[1]!.elect('office', { signal: stop.signal });
    stop.abort();
    await expect(waits).rejects.toMatchObject({ name: 'AbortError' });
    await leader.resign();
    cluster.run();
    expect(table().resources).toEqual([]);
  });
});

describe('a semaphore', () => {
  test('never lets in more than max, lets in as many, and everybody in the end', async () => {
    const { services, table, cluster } = await clientsOf(9);
    const bySlot = new Map<string, bigint>();
    let inside = 0;
    let most = 0;
    const enter = async (lock: HeldLock) => {
      most = Math.max(most, ++inside);
      expect(lock.fencingToken).toBeGreaterThan(bySlot.get(lock.resource) ?? 0n);
      bySlot.set(lock.resource, lock.fencingToken);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    const rounds = services.map(async (service) => {
      for (let i = 0; i < 4; i++) await service.withLock('pool', enter, { max: 3 });
    });
    await Promise.all(rounds);
    expect(most).toBe(3);
    expect([...bySlot.keys()].sort()).toEqual(['pool/1', 'pool/2', 'pool/3']);
    cluster.run();
    expect(table().resources).toEqual([]);
  });

  test('noQueue says not-queued when all places are taken; an abort leaves the queue', async () => {
    const { services, table, cluster } = await clientsOf(3);
    const [gate, both] = [createGate(), [createGate(), createGate()]];
    const held = both.map(({ open }, i) =>
      services[i]!.withLock(
        'pool',
        async () => {
          open();
          await gate.passed;
        },
        { max: 2 },
      ),
    );
    await Promise.all(both.map(({ passed }) => passed));
    const third = services[2]!;
    const refused = third.withLock('pool', () => {}, { max: 2, noQueue: true });
    await expect(refused).rejects.toMatchObject({ status: 'not-queued' });
    const late = third.withLock('pool', () => {}, { max: 2, timeoutMs: 5 });
    await expect(late).rejects.toMatchObject({ code: SA_AIS_ERR_TIMEOUT });
    gate.open();
    await Promise.all(held);
    cluster.run();
    expect(table().resources).toEqual([]);
  });

  test.each([0, -1, 1.5, SEMAPHORE_SLOTS_MAX + 1])('max %p is a RangeError', async (max) => {
    const { services } = await clientsOf(1);
    await expect(services[0]!.withLock('pool', () => {}, { max })).rejects.toThrow(RangeError);
  });
});
