/**
 * The quorum filters. Each provider is a function of its options and a place in the table below; options of
 * one provider are one type, so that combinations which make no sense cannot be written.
 */
import type { RingId } from '@aisexec/totem';
import { invariant } from '../invariant.ts';
import type { QuorumFilter, QuorumState } from './contract.ts';

/** Every history is quorate: AIS as openais had it by default. */
export interface NoQuorumOptions {
  readonly provider: 'none';
}

/** A majority of the expected votes, as Corosync's votequorum counts it. */
export interface VotequorumOptions {
  readonly provider: 'votequorum';
  readonly expectedVotes: number;
  /** Votes by nodeid; 1 for a node that is not listed. */
  readonly votes?: Readonly<Record<number, number>>;
  /** Two votes expected, one is enough. Split brain must be prevented by fencing. */
  readonly twoNode?: boolean;
}

export type QuorumOptions = NoQuorumOptions | VotequorumOptions;

/** @throws InvariantError for options that make no sense. */
export function createQuorum(options: QuorumOptions): QuorumFilter {
  const judge = options.provider === 'none' ? judgeNone : judgeVotes(options);
  let state: QuorumState = { quorate: false, votes: 0, needed: 0 };
  return {
    name: options.provider,
    update(_ringId: RingId, members: readonly number[]): QuorumState {
      state = judge(members);
      return state;
    },
    get state() {
      return state;
    },
  };
}

type Judge = (members: readonly number[]) => QuorumState;

const judgeNone: Judge = () => ({ quorate: true, votes: 0, needed: 0 });

function judgeVotes(options: VotequorumOptions): Judge {
  const { expectedVotes, votes: table = {}, twoNode = false } = options;
  invariant(isVotes(expectedVotes) && expectedVotes > 0, 'expected votes', { expectedVotes });
  for (const [node, votes] of Object.entries(table)) {
    invariant(isVotes(votes), 'votes of a node', { node, votes });
  }
  invariant(!twoNode || expectedVotes === 2, 'two_node expects 2 votes', { expectedVotes });
  return (members) => {
    const votes = members.reduce((sum, node) => sum + (table[node] ?? 1), 0);
    const needed = twoNode ? 1 : votesNeeded(expectedVotes, votes);
    return { quorate: votes >= needed, votes, needed };
  };
}

/** totem-wire §4.4: a majority of what is expected, or of what is there when that is more. */
export function votesNeeded(expected: number, votes: number): number {
  return Math.max(Math.floor((expected + 2) / 2), Math.floor((votes + 2) / 2));
}

function isVotes(votes: number): boolean {
  return Number.isSafeInteger(votes) && votes >= 0;
}
