/**
 * The rules of votequorum as a pure function of what the members of a configuration told (votequorum(5);
 * totem-wire §4.4). Two readings (ADR 0161): `asCorosync`, the C daemon's own, for rings that both share, and the
 * default, which is the same but where Corosync's lets two parts be quorate at once.
 */
import { AMBIGUOUS_ATTEMPTS_MAX } from '../limits.ts';

/** `lowest` or `highest` node of the last configuration that had a majority, or the first of a list. */
export type TieBreaker = 'lowest' | 'highest' | readonly number[];

export interface VoteRules {
  /** Configured votes of the whole cluster. */
  readonly expectedVotes: number;
  /** One vote is enough while there are at most two nodes. Split brain must be prevented by fencing. */
  readonly twoNode: boolean;
  /** Not quorate until all expected votes were there at once, or a quorate node was met. */
  readonly waitForAll: boolean;
  readonly autoTieBreaker: TieBreaker | undefined;
  /** Nodes that are gone for this long, ms, are no longer expected; undefined: they are. */
  readonly lastManStandingMs: number | undefined;
  /** Nodes that leave in good order are no longer expected, down to the configured votes. */
  readonly allowDownscale: boolean;
  readonly asCorosync: boolean;
}

/** A configuration that had a majority. */
export interface Majority {
  readonly seq: number;
  /** nodeids, ascending. */
  readonly members: readonly number[];
  readonly votes: number;
}

/** What one member tells about itself. */
export interface ToldVotes {
  readonly nodeId: number;
  readonly votes: number;
  readonly expected: number;
  /** What was configured, or set by an operator. */
  readonly floor: number;
  /** It was in a quorate configuration until now. */
  readonly quorate: boolean;
  /** Sequence of that configuration, and the votes that were expected there. */
  readonly seq: number;
  readonly ran: number;
  /** It waits for all. */
  readonly waiting: boolean;
  /** The last configuration with a majority that it took part in. */
  readonly last: Majority | null;
  /** Younger ones that were about to be when a synchronisation was cut short: others may have seen them. */
  readonly attempts: readonly Majority[];
}

/** What an even split is measured by. */
export interface TieGround {
  /** For `lowest` and `highest`. */
  readonly last: Majority | null;
  /** Who was there before: the other part has at most the rest of their votes. */
  readonly before: { readonly members: readonly number[]; readonly votes: number } | null;
}

export interface VoteVerdict {
  readonly quorate: boolean;
  readonly votes: number;
  readonly expected: number;
  readonly needed: number;
  readonly waiting: boolean;
  readonly majority: boolean;
}

/** A majority of what is expected, or of what is there when that is more (totem-wire §4.4). */
export function votesNeeded(expected: number, votes: number): number {
  return Math.max(Math.floor((expected + 2) / 2), Math.floor((votes + 2) / 2));
}

/** @param told ascending by nodeid. @param ties what an even split must win by: all of them. */
export function judgeVotes(
  rules: VoteRules,
  told: readonly ToldVotes[],
  ties: readonly TieGround[],
): VoteVerdict {
  const votes = votesOf(told);
  const running = told.filter(({ quorate }) => quorate);
  const latest = latestOf(running, told);
  const trusted = rules.asCorosync ? running : authority(rules, latest);
  // Where nobody may speak for the running cluster, what was dropped from its expectation counts again.
  const floor = rules.asCorosync ? 0 : Math.max(...told.map((one) => one.floor));
  const expected =
    trusted.length > 0
      ? Math.max(votes, ...trusted.map(expectedOf))
      : Math.max(votes, floor, ...told.map(expectedOf));
  const waiting =
    rules.waitForAll &&
    votes < expected &&
    !isReleased(rules, told, rules.asCorosync ? running : latest, trusted);
  return conclude(rules, told, ties, { votes, expected, waiting });
}

/** The end of every verdict: enough votes, or the right half. */
export function conclude(
  rules: VoteRules,
  told: readonly Pick<ToldVotes, 'nodeId'>[],
  ties: readonly TieGround[],
  { votes, expected, waiting }: Pick<VoteVerdict, 'votes' | 'expected' | 'waiting'>,
): VoteVerdict {
  const needed = rules.twoNode && told.length <= 2 ? 1 : votesNeeded(expected, votes);
  const majority = !waiting && votes >= needed;
  const members = told.map(({ nodeId }) => nodeId);
  const now = { members, votes, expected, needed };
  const isRightHalf = !waiting && ties.length > 0 && ties.every((tie) => winsTie(rules, now, tie));
  const quorate = majority || isRightHalf;
  return { quorate, votes, expected, needed, waiting, majority };
}

/** What an even split is measured by: the youngest majority, and those that may have been since. */
export function tiesOf(told: readonly ToldVotes[]): readonly TieGround[] {
  const last = youngestMajority(told);
  const open = openAttempts(told);
  // Too much has happened to know.
  if (last === null || open.length >= AMBIGUOUS_ATTEMPTS_MAX) return [];
  return [last, ...open].map((one) => ({ last: one, before: one }));
}

/** Attempts that are younger than every known majority. */
export function openAttempts(told: readonly ToldVotes[]): readonly Majority[] {
  const since = youngestMajority(told)?.seq ?? 0;
  const open = new Map<string, Majority>();
  for (const attempt of told.flatMap(({ attempts }) => attempts)) {
    if (attempt.seq > since) open.set(`${attempt.seq} ${attempt.members}`, attempt);
  }
  return [...open.values()].slice(-AMBIGUOUS_ATTEMPTS_MAX);
}

/** The youngest configuration with a majority that any of them took part in. */
export function youngestMajority(told: readonly ToldVotes[]): Majority | null {
  let youngest: Majority | null = null;
  for (const { last } of told) {
    if (last !== null && (youngest === null || last.seq > youngest.seq)) youngest = last;
  }
  return youngest;
}

/**
 * Whether at most one part of a cluster is quorate under these rules, whatever happens to its nodes. Not with
 * auto_tie_breaker and last_man_standing together: a rare sequence of synchronisations that were cut short is known
 * in which both halves of a pair go on (ADR 0161).
 */
export function promisesOne(rules: VoteRules): boolean {
  if (rules.twoNode || rules.asCorosync) return false;
  if (rules.autoTieBreaker !== undefined && rules.lastManStandingMs !== undefined) return false;
  const isSimple = rules.autoTieBreaker === undefined && rules.lastManStandingMs === undefined;
  return (isSimple && !rules.allowDownscale) || rules.waitForAll;
}

/** Those who come from the youngest quorate configuration that anybody here knows of. */
function latestOf(running: readonly ToldVotes[], told: readonly ToldVotes[]): readonly ToldVotes[] {
  const seq = Math.max(youngestMajority(told)?.seq ?? 0, ...running.map((one) => one.seq));
  return running.filter((one) => one.seq === seq);
}

/**
 * Those who come from the youngest quorate configuration, if enough of them are here to decide for it: only then
 * may their smaller expectation, from which others were dropped, count.
 */
function authority(rules: VoteRules, group: readonly ToldVotes[]): readonly ToldVotes[] {
  if (group.length === 0) return [];
  const expected = Math.max(...group.map(expectedOf));
  const ties = tiesOf(group);
  return conclude(rules, group, ties, { votes: votesOf(group), expected, waiting: false }).quorate
    ? group
    : [];
}

function isReleased(
  rules: VoteRules,
  told: readonly ToldVotes[],
  running: readonly ToldVotes[],
  trusted: readonly ToldVotes[],
): boolean {
  if (rules.asCorosync) return running.some(({ waiting }) => !waiting);
  const highest = Math.max(...told.map(expectedOf));
  return trusted.length > 0 || running.some(({ ran }) => ran === highest);
}

function winsTie(
  { autoTieBreaker, asCorosync }: VoteRules,
  now: {
    readonly members: readonly number[];
    readonly votes: number;
    readonly expected: number;
    readonly needed: number;
  },
  { last, before }: TieGround,
): boolean {
  if (autoTieBreaker === undefined || now.votes !== Math.floor(now.expected / 2)) return false;
  const isEven = now.votes * 2 === now.expected;
  if (before === null || (!asCorosync && !isEven)) return false;
  const others = before.votes - now.votes;
  if (others >= now.needed) return false;
  if (autoTieBreaker === 'lowest' || autoTieBreaker === 'highest') {
    const node = autoTieBreaker === 'lowest' ? last?.members[0] : last?.members.at(-1);
    return node !== undefined && now.members.includes(node);
  }
  // The first of the list that was there before decides. Corosync also takes one that was not, and so may both halves.
  const first = autoTieBreaker.find(
    (node) => before.members.includes(node) || (asCorosync && now.members.includes(node)),
  );
  return first !== undefined && now.members.includes(first);
}

function votesOf(told: readonly ToldVotes[]): number {
  return told.reduce((sum, one) => sum + one.votes, 0);
}

function expectedOf({ expected }: ToldVotes): number {
  return expected;
}
