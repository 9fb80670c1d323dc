import { expect, test } from '@jest/globals';
import { createQuorum, type QuorumOptions } from '../quorum/create-quorum.ts';
import { checkQuorumFilter } from './check-quorum.ts';

test.each<[string, QuorumOptions]>([
  ['votequorum', { provider: 'votequorum', expectedVotes: 4 }],
  ['wait_for_all', { provider: 'votequorum', expectedVotes: 4, waitForAll: true }],
  [
    'auto_tie_breaker',
    { provider: 'votequorum', expectedVotes: 4, waitForAll: true, autoTieBreaker: 'lowest' },
  ],
  ['ykd', { provider: 'ykd', nodes: [1, 2, 3, 4] }],
])('%s passes', (_, options) => {
  for (const onePart of [false, true]) {
    checkQuorumFilter({
      onePart,
      create: (node, _nodes, store) => createQuorum(options, node, store),
    });
  }
});

test('a filter that decides from what only one node knows is found', () => {
  const create = (nodeId: number) => {
    let state = { quorate: false, votes: 0, needed: 0 };
    return {
      name: 'selfish',
      get state() {
        return state;
      },
      update: () => {
        state = { quorate: nodeId === 1, votes: 0, needed: 0 };
        return state;
      },
    };
  };
  expect(() => checkQuorumFilter({ create })).toThrow(/members of .* differ/);
});

test('a filter for which everybody is quorate does not promise one part', () => {
  const create = () => createQuorum({ provider: 'none' });
  checkQuorumFilter({ create });
  expect(() => checkQuorumFilter({ create, onePart: true })).toThrow(/are quorate/);
});
