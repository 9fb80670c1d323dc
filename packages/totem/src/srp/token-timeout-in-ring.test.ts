/** A ring whose members derive their token time-outs (ADR 0179). */
import { describe, expect, test } from '@jest/globals';
import { TestNet } from './test-net.fixture.ts';

const TOKEN_MS = 100;
const DERIVED = { tokenMs: TOKEN_MS, tokenMaxMs: 500, mergeMs: 20, joinMs: 10 };
const ALL = [1, 2, 3];

function ring(config: Readonly<Record<string, number>> = DERIVED): TestNet {
  const net = new TestNet({ config });
  net.start(...ALL);
  net.run(3_000);
  expect(members(net)).toEqual([ALL, ALL, ALL]);
  return net;
}
function members(net: TestNet, nodes: readonly number[] = ALL): unknown[] {
  return nodes.map((node) => net.ring(node).members);
}
function timeouts(net: TestNet, nodes: readonly number[] = ALL): number[] {
  return nodes.map((node) => net.ring(node).stats()['tokenTimeoutMs']!);
}
function losses(net: TestNet): number {
  return ALL.reduce((sum, node) => sum + net.ring(node).stats()['tokenLosses']!, 0);
}
function pause(net: TestNet, node: number, ms: number): void {
  net.pause(node);
  net.run(ms);
  net.resume(node);
  net.run(1_000);
}

describe('members that derive their token time-outs', () => {
  test('wait for the token as long as they must, and no longer, in a quick ring', () => {
    const net = ring();
    expect(timeouts(net)).toEqual([TOKEN_MS, TOKEN_MS, TOKEN_MS]);
  });

  test('accuse a member that pauses once, and no more when it pauses again', () => {
    const net = ring();
    pause(net, 2, 130);
    expect(members(net)).toEqual([ALL, ALL, ALL]);
    for (const timeout of timeouts(net)) expect(timeout).toBeGreaterThan(1.9 * TOKEN_MS);
    const before = losses(net);
    expect(before).toBeGreaterThan(0);
    for (let round = 0; round < 5; round++) pause(net, 2, 130);
    expect(losses(net)).toBe(before);
  });

  test('accuse it every time when the time-out is fixed', () => {
    const net = ring({ ...DERIVED, tokenMaxMs: TOKEN_MS });
    pause(net, 2, 130);
    const before = losses(net);
    pause(net, 2, 130);
    expect(losses(net)).toBeGreaterThan(before);
  });

  test('widen before anybody is accused when the pauses grow', () => {
    const net = ring();
    const before = losses(net);
    for (const ms of [60, 110, 200]) pause(net, 3, ms);
    expect(losses(net)).toBe(before);
    for (const timeout of timeouts(net)) expect(timeout).toBeGreaterThan(300);
  });

  test('do not widen by a death, which they notice within token and consensus', () => {
    const net = ring();
    const before = timeouts(net, [1, 2]);
    net.crash(3);
    net.run(2.2 * TOKEN_MS + 100);
    expect(members(net, [1, 2])).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(timeouts(net, [1, 2])).toEqual(before);
  });

  test('notice a death at the upper bound at the latest', () => {
    const net = ring();
    for (let round = 0; round < 6; round++) pause(net, 2, 490);
    expect(Math.max(...timeouts(net))).toBeLessThanOrEqual(500);
    net.crash(3);
    net.run(2.2 * 500 + 200);
    expect(members(net, [1, 2])).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});
