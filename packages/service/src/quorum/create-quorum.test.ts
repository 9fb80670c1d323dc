import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../invariant.ts';
import { createQuorum } from './create-quorum.ts';
import type { VotequorumOptions } from './votequorum.ts';

const ring = (members: readonly number[]) => ({
  ringId: { rep: 1, seq: 4 },
  members: members.map((nodeId) => ({ nodeId })),
});
const votequorum = (options: Omit<VotequorumOptions, 'provider'>) =>
  createQuorum({ provider: 'votequorum', ...options });

describe('votequorum', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %d expected votes it needs %d', (expectedVotes, needed) => {
    for (let count = 1; count <= expectedVotes; count++) {
      const members = Array.from({ length: count }, (_, i) => i + 1);
      const state = votequorum({ expectedVotes }).update(ring(members));
      expect(state).toMatchObject({ quorate: count >= needed, votes: count, needed });
    }
  });

  test('two halves of one cluster are never both quorate', () => {
    for (let n = 1; n <= 7; n++) {
      for (let cut = 0; cut < 1 << n; cut++) {
        const side = (bit: number) =>
          Array.from({ length: n }, (_, i) => i + 1).filter((i) => ((cut >> (i - 1)) & 1) === bit);
        const quorate = [side(0), side(1)].filter(
          (members) => votequorum({ expectedVotes: n }).update(ring(members)).quorate,
        );
        expect(quorate.length).toBeLessThanOrEqual(1);
      }
    }
  });

  test('more votes than expected raise what is needed', () => {
    expect(votequorum({ expectedVotes: 2 }).update(ring([1, 2, 3, 4])).needed).toBe(3);
  });

  test('nodes have the votes they were given', () => {
    const quorum = votequorum({ expectedVotes: 4, votes: { 1: 2, 3: 0 } });
    expect(quorum.update(ring([1, 3]))).toMatchObject({ quorate: false, votes: 2, needed: 3 });
    expect(quorum.update(ring([1, 2]))).toMatchObject({ quorate: true, votes: 3, needed: 3 });
    expect(quorum.state.votes).toBe(3);
  });

  test('of two nodes one is enough with twoNode', () => {
    const quorum = votequorum({ expectedVotes: 2, twoNode: true, waitForAll: false });
    expect(quorum.update(ring([2]))).toMatchObject({ quorate: true, votes: 1, needed: 1 });
  });

  test.each([
    { expectedVotes: 0 },
    { expectedVotes: 1.5 },
    { expectedVotes: 3, votes: { 1: -1 } },
    { expectedVotes: 3, twoNode: true },
  ])('refuses %j', (options) => {
    expect(() => votequorum(options)).toThrow(InvariantError);
  });
});

test('without a provider every history is quorate once it exists', () => {
  const quorum = createQuorum({ provider: 'none' });
  expect(quorum.state.quorate).toBe(false);
  expect(quorum.update(ring([9])).quorate).toBe(true);
});
