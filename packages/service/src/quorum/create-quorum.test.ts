import { describe, expect, test } from '@jest/globals';
import { InvariantError } from '../invariant.ts';
import { createQuorum, type VotequorumOptions } from './create-quorum.ts';

const ringId = { rep: 1, seq: 4 };
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
    for (let count = 0; count <= expectedVotes; count++) {
      const members = Array.from({ length: count }, (_, i) => i + 1);
      const state = votequorum({ expectedVotes }).update(ringId, members);
      expect(state).toEqual({ quorate: count >= needed, votes: count, needed });
    }
  });

  test('two halves of one cluster are never both quorate', () => {
    for (let n = 1; n <= 7; n++) {
      for (let cut = 0; cut < 1 << n; cut++) {
        const side = (bit: number) =>
          Array.from({ length: n }, (_, i) => i + 1).filter((i) => ((cut >> (i - 1)) & 1) === bit);
        const quorate = [side(0), side(1)].filter(
          (members) => votequorum({ expectedVotes: n }).update(ringId, members).quorate,
        );
        expect(quorate.length).toBeLessThanOrEqual(1);
      }
    }
  });

  test('more votes than expected raise what is needed', () => {
    expect(votequorum({ expectedVotes: 2 }).update(ringId, [1, 2, 3, 4]).needed).toBe(3);
  });

  test('nodes have the votes they were given', () => {
    const quorum = votequorum({ expectedVotes: 4, votes: { 1: 2, 3: 0 } });
    expect(quorum.update(ringId, [1, 3])).toEqual({ quorate: false, votes: 2, needed: 3 });
    expect(quorum.update(ringId, [1, 2])).toEqual({ quorate: true, votes: 3, needed: 3 });
    expect(quorum.state.votes).toBe(3);
  });

  test('of two nodes one is enough with twoNode', () => {
    const quorum = votequorum({ expectedVotes: 2, twoNode: true });
    expect(quorum.update(ringId, [2])).toEqual({ quorate: true, votes: 1, needed: 1 });
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
  expect(quorum.update(ringId, [9]).quorate).toBe(true);
});
