import { describe, expect, test } from '@jest/globals';
import { drawMix, FAULT_KINDS, LATER_KINDS } from '../nemesis/mix.ts';
import { createNemesis } from '../nemesis/nemesis.ts';
import { createRandom } from '../random.ts';
import { createTrace } from '../trace/trace.ts';
import { healthyConditions, type NetworkConditions } from './network.ts';
import { createToy, type ToyLog } from './toy-process.fixture.ts';
import { createWorld, type World } from './world.ts';

const CALM = healthyConditions(1, 2);

function toyWorld(
  seed: number,
  nodes: number,
  conditions: NetworkConditions = CALM,
): { world: World; log: ToyLog[] } {
  const log: ToyLog[] = [];
  const world = createWorld({
    random: createRandom(seed),
    nodes: Array.from({ length: nodes }, (_, index) => index + 1),
    conditions,
    factory: (environment) => createToy(environment, log),
    trace: createTrace([]),
    clockDrift: 0.01,
  });
  for (const node of world.nodes) node.start();
  return { world, log };
}

const events = (log: readonly ToyLog[], node: number, event: string): ToyLog[] =>
  log.filter((entry) => entry.node === node && entry.event.startsWith(event));

function underNemesis(seed: number): string {
  const random = createRandom(seed);
  const options = {
    tokenMs: 300,
    delayMeanMs: 3,
    delayMinMs: 1,
    lossMax: 0.3,
    faults: true,
  } as const;
  const mix = {
    ...drawMix(random.fork('mix'), { ...options, draws: 2 }),
    kinds: [...FAULT_KINDS, ...LATER_KINDS],
  };
  const { world } = toyWorld(seed, 5, mix.conditions);
  const nemesis = createNemesis(world, mix, random.fork('nemesis'));
  nemesis.start();
  world.scheduler.runUntil(20_000);
  nemesis.heal();
  world.scheduler.runUntil(21_000);
  expect(world.exceptions).toEqual([]);
  expect(world.nodes.every((node) => node.up && !node.paused)).toBe(true);
  return world.trace.hash();
}

describe('determinism', () => {
  test('one seed gives one trace hash, another seed another', () => {
    const seeds = [1, 2, 3, 4, 5];
    const hashes = seeds.map(underNemesis);
    expect(seeds.map(underNemesis)).toEqual(hashes);
    expect(new Set(hashes).size).toBe(seeds.length);
  });
});

describe('the network', () => {
  test('carries multicasts to all others and unicasts to oneself, as events', () => {
    const { world, log } = toyWorld(1, 3);
    world.scheduler.runUntil(1000);
    expect(world.network.stats.lost).toBe(0);
    for (const node of [1, 2, 3]) {
      const beats = events(log, node, 'beat').length;
      expect(beats).toBeGreaterThan(60);
      const receipts = events(log, node, 'receive').length;
      const total = log.filter((entry) => entry.event.startsWith('beat')).length;
      expect(Math.abs(receipts - total)).toBeLessThan(6);
    }
    expect(world.exceptions).toEqual([]);
  });

  test('gives every receiver bytes of its own, even when one of them scribbles on its own', () => {
    const { world, log } = toyWorld(1, 4, { ...CALM, duplicate: 1 });
    world.scheduler.runUntil(300);
    const values = log.filter((entry) => entry.event === 'receive 0');
    expect(values).toEqual([]);
  });

  test('loses, duplicates and replays at about the rates asked for', () => {
    const conditions = { ...CALM, loss: 0.2, duplicate: 0.1, replay: 0.05 };
    const { world } = toyWorld(3, 5, conditions);
    world.scheduler.runUntil(20_000);
    const { sent, lost, duplicated, replayed } = world.network.stats;
    const between = (value: number, low: number, high: number): void => {
      expect(value / (sent * 0.8)).toBeGreaterThan(low);
      expect(value / (sent * 0.8)).toBeLessThan(high);
    };
    between(lost, 0.17, 0.23);
    between(duplicated, 0.08, 0.12);
    between(replayed, 0.04, 0.08);
  });

  test('a one-way cut stops one direction only, and loss by type one type only', () => {
    const { world, log } = toyWorld(1, 2);
    world.network.block(0, 1, true);
    world.scheduler.runUntil(500);
    const own = events(log, 2, 'beat').length;
    expect(Math.abs(events(log, 2, 'receive').length - own)).toBeLessThan(2);
    expect(events(log, 1, 'receive').length).toBeGreaterThan(own * 1.5);
    world.network.block(0, 1, false);
    world.network.loseType(1, 1);
    const before = events(log, 2, 'receive').length;
    world.scheduler.runUntil(1000);
    const selfOnly = events(log, 2, 'beat').length - own;
    expect(events(log, 2, 'receive').length - before).toBeLessThan(selfOnly + 3);
  });

  test('a clogged link delivers in a burst when it opens', () => {
    const { world, log } = toyWorld(1, 2, { ...CALM, fifo: true });
    world.network.clog(0, 1, 400);
    world.scheduler.runUntil(399);
    const before = events(log, 2, 'receive').length;
    world.scheduler.runUntil(401);
    expect(events(log, 2, 'receive').length - before).toBeGreaterThan(25);
  });
});

describe('processes', () => {
  test('a paused process hears nothing and then everything, and its timer fires late', () => {
    const { world, log } = toyWorld(1, 2);
    world.scheduler.runUntil(100);
    world.nodes[1]!.pause();
    const before = log.filter((entry) => entry.node === 2).length;
    world.scheduler.runUntil(600);
    expect(log.filter((entry) => entry.node === 2)).toHaveLength(before);
    world.nodes[1]!.resume();
    const flood = log.filter((entry) => entry.node === 2).slice(before);
    expect(flood.length).toBeGreaterThan(40);
    expect(flood.filter((entry) => entry.event.startsWith('beat'))).toHaveLength(1);
    expect(flood.every((entry) => entry.time === 600)).toBe(true);
  });

  test('a restarted process finds what its last life stored', () => {
    const { world, log } = toyWorld(1, 1);
    world.scheduler.runUntil(105);
    const stored = events(log, 1, 'beat').length;
    world.nodes[0]!.crash();
    world.scheduler.runUntil(300);
    world.nodes[0]!.start();
    expect(log.at(-1)).toMatchObject({ incarnation: 2, event: `store ${stored}` });
  });

  test('a crash may lose the last write, and a crash inside the write always does', () => {
    const lost = toyWorld(1, 1);
    lost.world.scheduler.runUntil(105);
    const stored = events(lost.log, 1, 'beat').length;
    lost.world.nodes[0]!.crash({ loseStore: true });
    lost.world.nodes[0]!.start();
    expect(lost.log.at(-1)).toMatchObject({ event: `store ${stored - 1}` });

    const torn = toyWorld(1, 1);
    torn.world.nodes[0]!.crashInStore('lost');
    torn.world.scheduler.runUntil(105);
    expect(torn.world.nodes[0]!.up).toBe(false);
    expect(torn.world.network.stats.sent).toBe(0);
    torn.world.nodes[0]!.start();
    expect(torn.log.at(-1)).toMatchObject({ incarnation: 2, event: 'store 0' });
  });

  test('an exception in a process ends its life and is kept', () => {
    const world = createWorld({
      random: createRandom(1),
      nodes: [1],
      conditions: CALM,
      factory: (environment) => ({
        ...createToy(environment),
        timeout: () => {
          throw new Error('broken');
        },
      }),
      trace: createTrace([]),
    });
    world.nodes[0]!.start();
    world.scheduler.runUntil(100);
    expect(world.nodes[0]!.up).toBe(false);
    expect(world.exceptions[0]?.text).toContain('broken');
  });
});
