import { LockLostError, LockService } from '@aisexec/lck';
import { describe, expect, test } from '@jest/globals';
import { membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

describe('locks on three real executives', () => {
  const cluster = useCluster({ nodes: 3 });
  const connect = (index: number) =>
    LockService.connect({ socket: cluster.nodes[index]!.socket, timeoutMs: TEST_TIMEOUT_MS });

  test('an exclusive lock excludes clients of the other nodes, and its token rises', async () => {
    await using first = await connect(0);
    await using second = await connect(1);
    const here = await first.open('exclusive', { create: true });
    const there = await second.open('exclusive', { create: true });
    const held = await here.acquire('EX');
    expect(await there.tryAcquire('EX')).toBeUndefined();
    const waiting = there.acquire('EX');
    await held.unlock();
    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
    expect(await here.tryAcquire('PR')).toBeUndefined();
  });

  test(
    'kill -9 of the holder’s executive: the holder is told, the next one gets a higher token',
    async () => {
      const victim = cluster.nodes[2]!;
      await using holding = await connect(2);
      await using waiting = await connect(0);
      const held = await (await holding.open('killed', { create: true })).acquire('EX');
      const next = (await waiting.open('killed', { create: true })).acquire('EX');
      victim.kill();
      const granted = await next;
      expect(granted.fencingToken).toBeGreaterThan(held.fencingToken);
      expect(held.signal.aborted).toBe(true);
      expect(held.lost).toBe('session-lost');
      await victim.exited();
      await victim.start();
      await membersEverywhere(cluster.nodes, 3);
      await using back = await connect(2);
      expect(await (await back.open('killed')).tryAcquire('EX')).toBeUndefined();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'SIGSTOP past the token time-out, SIGCONT: both halves held the name, one lock remains and the other holder is told',
    async () => {
      const paused = cluster.nodes[2]!;
      await using isolated = await connect(2);
      await using others = await connect(0);
      const stale = await (await isolated.open('both', { create: true })).acquire('EX');
      const resource = await others.open('both', { create: true });
      paused.pause();
      const fresh = await resource.acquire('EX');
      expect(fresh.fencingToken).toBeGreaterThan(stale.fencingToken);
      expect(stale.signal.aborted).toBe(false); // its executive cannot speak: this is what the token is for
      const told = new Promise<LockLostError>((resolve) => {
        stale.signal.addEventListener('abort', () => resolve(stale.signal.reason), { once: true });
      });
      paused.resume();
      const reason = await told;
      expect(reason).toBeInstanceOf(LockLostError);
      expect(['merged', 'quorum-lost', 'node-isolated']).toContain(reason.reason);
      await membersEverywhere(cluster.nodes, 3);
      expect(fresh.signal.aborted).toBe(false);
      expect(await (await isolated.open('both')).tryAcquire('EX')).toBeUndefined();
      await fresh.unlock();
      const last = await (await isolated.open('both')).acquire('EX');
      expect(last.fencingToken).toBeGreaterThan(fresh.fencingToken);
    },
    TEST_TIMEOUT_MS,
  );

  test('the death of a client process releases what it held', async () => {
    const dying = await connect(1);
    await (await dying.open('client', { create: true })).acquire('EX');
    await using waiting = await connect(2);
    const next = (await waiting.open('client')).acquire('EX');
    await dying.close();
    await expect(next).resolves.toBeDefined();
  });
});

describe('two executives without quorum rules', () => {
  const cluster = useCluster({ nodes: 2, quorum: 'none' });

  test(
    'two halves that both granted the same name are one lock again after the merge',
    async () => {
      const [left, right] = cluster.nodes;
      await using onLeft = await LockService.connect({ socket: left!.socket });
      await using onRight = await LockService.connect({ socket: right!.socket });
      const a = await (await onRight.open('same', { create: true })).acquire('EX');
      right!.pause();
      const b = await (await onLeft.open('same', { create: true })).acquire('EX');
      right!.resume();
      await membersEverywhere([left!, right!], 2);
      const lost = await Promise.race([a, b].map((lock) => lostOf(lock.signal)));
      expect(lost.reason).toBe('merged');
      expect([a, b].filter((lock) => lock.signal.aborted)).toHaveLength(1);
    },
    TEST_TIMEOUT_MS,
  );
});

function lostOf(signal: AbortSignal): Promise<LockLostError> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
