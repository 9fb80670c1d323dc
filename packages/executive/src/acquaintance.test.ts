import { expect, test } from '@jest/globals';
import { Acquaintance } from './acquaintance.ts';
import { LONELINESS_MS_MAX } from './limits.ts';

function of(...nodes: number[]) {
  const world = { now: 0, hasMet: false };
  const acquaintance = new Acquaintance({
    nodes,
    hasMet: () => world.hasMet,
    now: () => world.now,
  });
  return {
    world,
    isMade: () => acquaintance.isMade(),
    view(quorate: boolean, ...members: number[]) {
      const address = { family: 'inet', text: '' } as const;
      const node = (nodeId: number) => ({ nodeId, name: `${nodeId}`, address, bootTime: 0n });
      acquaintance.view({ quorate, members: members.map(node) });
    },
  };
}

test('a node that is its whole cluster knows it from its first view on', () => {
  const one = of(1);
  expect(one.isMade()).toBe(false);
  one.view(true, 1);
  expect(one.isMade()).toBe(true);
});

test('a node knows its cluster when all are there, or one who had a history', () => {
  const one = of(1, 2, 3);
  one.view(true, 1);
  one.view(true, 1, 2);
  expect(one.isMade()).toBe(false);
  one.view(true, 1, 2, 3);
  expect(one.isMade()).toBe(true);
  const other = of(1, 2, 3);
  other.world.hasMet = true;
  other.view(true, 1, 2);
  expect(other.isMade()).toBe(true);
  other.view(true, 1);
  expect(other.isMade()).toBe(true);
});

test('a node goes on alone after a bounded time, if it may', () => {
  const one = of(1, 2);
  one.view(true, 1);
  one.world.now += LONELINESS_MS_MAX - 1;
  expect(one.isMade()).toBe(false);
  one.view(false, 1);
  one.world.now += LONELINESS_MS_MAX;
  expect(one.isMade()).toBe(false);
  one.view(true, 1);
  one.world.now += LONELINESS_MS_MAX;
  expect(one.isMade()).toBe(true);
});
