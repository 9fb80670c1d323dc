/**
 * votequorum among executives: what each of them remembers travels in its hello, the verdict is that of votes.ts.
 * In a ring with C daemons the votes travel in Corosync's own messages instead (corosync/votequorum.ts).
 */

import { invariant } from '../invariant.ts';
import { AMBIGUOUS_ATTEMPTS_MAX, SYNC_MEMBERS_MAX, VOTES_MAX } from '../limits.ts';
import { type Infer, s } from '../schema.ts';
import { Ballot } from './ballot.ts';
import type { QuorumConfiguration, QuorumFilter, QuorumState, QuorumStore } from './contract.ts';
import type { TieBreaker, ToldVotes, VoteRules } from './votes.ts';

/** A majority of the expected votes, as Corosync's votequorum counts it (votequorum(5)). */
export interface VotequorumOptions {
  readonly provider: 'votequorum';
  /** Configured votes of the whole cluster. */
  readonly expectedVotes: number;
  /** Votes by nodeid; 1 for a node that is not listed. */
  readonly votes?: Readonly<Record<number, number>>;
  /** Two votes expected, one is enough. Split brain must be prevented by fencing. */
  readonly twoNode?: boolean;
  /** Default: as `twoNode`. */
  readonly waitForAll?: boolean;
  /** Which half goes on when a cluster splits evenly. */
  readonly autoTieBreaker?: TieBreaker;
  /** Nodes that are gone for this long, ms, are no longer expected. */
  readonly lastManStandingMs?: number;
  readonly allowDownscale?: boolean;
  /** Decide as the C daemons do where the two differ (ADR 0161). */
  readonly asCorosync?: boolean;
}

const votes = s.integer(0, VOTES_MAX);
const majority = s.object({
  seq: s.count,
  members: s.list(s.u32, SYNC_MEMBERS_MAX),
  votes: s.count,
});
const saidSchema = s.object({
  votes,
  expected: s.integer(0, VOTES_MAX * SYNC_MEMBERS_MAX),
  floor: s.count,
  quorate: s.bool,
  seq: s.count,
  ran: s.count,
  waiting: s.bool,
  last: s.nullable(majority),
  attempts: s.list(majority, AMBIGUOUS_ATTEMPTS_MAX),
});
type Said = Infer<typeof saidSchema>;

/** The rules behind the options. @throws InvariantError for options that make no sense. */
export function rulesOf(options: VotequorumOptions): VoteRules {
  const { expectedVotes, votes: table = {}, twoNode = false, autoTieBreaker } = options;
  const { lastManStandingMs, allowDownscale = false, asCorosync = false } = options;
  invariant(isVotes(expectedVotes) && expectedVotes > 0, 'expected votes', { expectedVotes });
  for (const [node, count] of Object.entries(table)) {
    invariant(votes.check(count), 'votes of a node', { node, votes: count });
  }
  invariant(!twoNode || expectedVotes === 2, 'two_node expects 2 votes', { expectedVotes });
  invariant(!twoNode || autoTieBreaker === undefined, 'two_node beside auto_tie_breaker', {});
  const isPlain = Object.values(table).every((count) => count <= 1);
  invariant(
    lastManStandingMs === undefined || isPlain,
    'last_man_standing needs one vote each',
    {},
  );
  return {
    ...{ expectedVotes, twoNode, autoTieBreaker, lastManStandingMs, allowDownscale, asCorosync },
    waitForAll: options.waitForAll ?? twoNode,
  };
}

/** @throws InvariantError for options that make no sense. */
export function createVoteFilter(
  options: VotequorumOptions,
  self?: number,
  store?: QuorumStore,
): QuorumFilter {
  const rules = rulesOf(options);
  const ballot = new Ballot(rules, store);
  const votesOf = (node: number) => options.votes?.[node] ?? 1;
  const toldBy = ({ nodeId, said }: QuorumConfiguration['members'][number]): ToldVotes => {
    if (saidSchema.check(said)) return { nodeId, ...(said as Said) };
    const nothing = {
      floor: rules.expectedVotes,
      quorate: false,
      seq: 0,
      ran: 0,
      waiting: rules.waitForAll,
      last: null,
      attempts: [],
    };
    return { nodeId, votes: votesOf(nodeId), expected: rules.expectedVotes, ...nothing };
  };
  let state: QuorumState = ballot.state();
  const refresh = (): QuorumState => {
    state = ballot.state();
    return state;
  };
  return {
    name: options.provider,
    get state() {
      return state;
    },
    tell: () => ({ votes: self === undefined ? 1 : votesOf(self), ...ballot.memory }),
    propose: ({ ringId, members }) => ballot.propose(ringId.seq, members.map(toldBy)),
    update({ ringId, members, time = 0n }) {
      ballot.decide(ringId.seq, members.map(toldBy), time);
      return refresh();
    },
    deadline: () => ballot.deadline,
    expire(time) {
      ballot.expire(time);
      refresh();
    },
    refusesExpected: (expected) => ballot.refuses(expected),
    setExpected(expected) {
      ballot.setExpected(expected);
      refresh();
    },
    leaving(nodeId) {
      ballot.leaving(nodeId);
      refresh();
    },
  };
}

function isVotes(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0;
}
