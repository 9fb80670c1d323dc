import { describe, expect, test } from '@jest/globals';
import { SYNC_MEMBERS_MAX } from '../limits.ts';
import type { Lineage } from './messages.ts';
import { pastAfter, wentThrough } from './past.ts';

const ring = (seq: number, rep = 1) => ({ rep, seq });

function lineageOf(seq: number, members: readonly number[]): Lineage {
  const rest = { events: 0, digest: '', pristine: false, quorate: true, primary: seq };
  return { ...rest, ringId: ring(seq), members };
}

describe('what a history went through', () => {
  test('is, for every node that left it, the last ring with that node', () => {
    const told = { lineage: lineageOf(8, [1, 2, 3]), past: [{ node: 4, ringId: ring(4) }] };
    expect(pastAfter([told, told], [1, 2])).toEqual([
      { node: 3, ringId: ring(8) },
      { node: 4, ringId: ring(4) },
    ]);
  });

  test('is the younger ring where histories that met differ, and nothing about members', () => {
    const one = { lineage: lineageOf(12, [1, 3]), past: [{ node: 2, ringId: ring(4) }] };
    const two = { lineage: lineageOf(8, [2, 3]), past: [{ node: 1, ringId: ring(4) }] };
    expect(pastAfter([one, two], [1, 2])).toEqual([{ node: 3, ringId: ring(12) }]);
  });

  test('is bounded, the youngest rings first', () => {
    const many = Array.from({ length: SYNC_MEMBERS_MAX + 10 }, (_, i) => i + 10);
    const past = many.map((node) => ({ node, ringId: ring(node) }));
    const after = pastAfter([{ lineage: lineageOf(9999, [1]), past }], [1]);
    expect(after).toHaveLength(SYNC_MEMBERS_MAX);
    expect(after[0]).toEqual({ node: many.at(-1), ringId: ring(many.at(-1)!) });
  });

  test('names a ring by its representative, too, and all of its nodes', () => {
    const told = { lineage: null, past: [3, 4].map((node) => ({ node, ringId: ring(8) })) };
    expect(wentThrough(told, ring(8), [3, 4])).toBe(true);
    expect(wentThrough(told, ring(8, 2), [3])).toBe(false);
    expect(wentThrough(told, ring(8), [3, 5])).toBe(false);
    expect(wentThrough({ lineage: null }, ring(8), [3])).toBe(false);
  });
});
