/**
 * The quorum filters. Each provider is a function of its options and a place in the table below; options of
 * one provider are one type, so that combinations which make no sense cannot be written.
 */
import type { QuorumFilter, QuorumState, QuorumStore } from './contract.ts';
import { createVoteFilter, type VotequorumOptions } from './votequorum.ts';
import { createYkd, type YkdOptions } from './ykd.ts';

/** Every history is quorate: AIS as openais had it by default. */
export interface NoQuorumOptions {
  readonly provider: 'none';
}

export type QuorumOptions = NoQuorumOptions | VotequorumOptions | YkdOptions;

/**
 * @param self this node, where nodes have different votes. @param store what survives a crash; without one `ykd`
 * forgets. @throws InvariantError for options that make no sense.
 */
export function createQuorum(
  options: QuorumOptions,
  self?: number,
  store?: QuorumStore,
): QuorumFilter {
  switch (options.provider) {
    case 'none':
      return createNone();
    case 'votequorum':
      return createVoteFilter(options, self, store);
    case 'ykd':
      return createYkd(options, store);
  }
}

function createNone(): QuorumFilter {
  let state: QuorumState = { quorate: false, votes: 0, needed: 0 };
  return {
    name: 'none',
    get state() {
      return state;
    },
    update() {
      state = { quorate: true, votes: 0, needed: 0 };
      return state;
    },
  };
}
