/** A ring forms, orders and delivers. */
import { describe, expect, test } from '@jest/globals';
import { TestNet } from './test-net.fixture.ts';

describe('a ring', () => {
  test.each([1, 2, 3, 4, 5])(
    'of %i forms and delivers everything everywhere in one order',
    (count) => {
      const net = new TestNet();
      const nodes = Array.from({ length: count }, (_, i) => i + 1);
      net.start(...nodes);
      net.runUntil(() => net.isOneRing(...nodes));
      for (let i = 0; i < 100; i++) for (const node of nodes) expect(net.submit(node)).toBe(true);
      net.runUntil(() => nodes.every((node) => net.delivered(node).length === 100 * count));
      for (const node of nodes) expect(net.delivered(node)).toEqual(net.delivered(1));
      expect(new Set(net.delivered(1)).size).toBe(100 * count);
    },
  );

  test('of three that start together is there in milliseconds, whatever the time-outs', () => {
    const net = new TestNet({ config: { tokenMs: 3650, mergeMs: 200, joinMs: 50 } });
    net.start(1, 2, 3);
    expect(net.runUntil(() => net.isOneRing(1, 2, 3))).toBeLessThan(50);
  });

  test('delivers in order although packets are lost, doubled and overtake each other', () => {
    const net = new TestNet({ loss: 0.05, duplication: 0.1, delayMs: [0.1, 3] });
    net.start(1, 2, 3);
    net.runUntil(() => net.isOneRing(1, 2, 3));
    for (let i = 0; i < 300; i++) net.submit(1 + (i % 3));
    net.runUntil(() => [1, 2, 3].every((node) => net.delivered(node).length === 300));
    expect(net.delivered(2)).toEqual(net.delivered(1));
    expect(net.delivered(3)).toEqual(net.delivered(1));
  });
});
