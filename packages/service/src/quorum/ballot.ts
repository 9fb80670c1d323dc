/**
 * What a node remembers between configurations under votequorum, and how it changes: at a configuration, when the
 * window of last_man_standing ends, when an operator sets the expected votes, when a node leaves in good
 * order. Every change is made at one place of the total order from what all members told, so it is the same on
 * all of them. Only the highest expectation is kept on disk, and only for allow_downscale, as Corosync does:
 * a node that restarts waits for all again.
 */
import { AMBIGUOUS_ATTEMPTS_MAX } from '../limits.ts';
import type { QuorumNode, QuorumState, QuorumStore } from './contract.ts';
import {
  conclude,
  judgeVotes,
  type Majority,
  openAttempts,
  type TieGround,
  type ToldVotes,
  tiesOf,
  type VoteRules,
  type VoteVerdict,
  youngestMajority,
} from './votes.ts';

const NS_PER_MS = 1_000_000n;
const NOTHING: VoteVerdict = {
  ...{ quorate: false, votes: 0, expected: 0, needed: 0 },
  ...{ waiting: false, majority: false },
};

/** What the others must know of a node besides its votes. */
export type VoteMemory = Omit<ToldVotes, 'nodeId' | 'votes'>;

export class Ballot {
  readonly #rules: VoteRules;
  readonly #store: QuorumStore | undefined;
  #stored: number;
  #expected: number;
  /** What an ordered shutdown cannot go below. */
  #barrier: number;
  #verdict = NOTHING;
  #waiting: boolean;
  #seq = 0;
  #ran = 0;
  #told: readonly ToldVotes[] = [];
  #last: Majority | null = null;
  #attempts: readonly Majority[] = [];
  #ties: readonly TieGround[] = [];
  #deadline: bigint | null = null;

  constructor(rules: VoteRules, store: QuorumStore | undefined) {
    this.#rules = rules;
    this.#store = rules.allowDownscale ? store : undefined;
    this.#stored = highestOf(this.#store?.saved);
    this.#barrier = rules.expectedVotes;
    this.#expected = Math.max(rules.expectedVotes, this.#stored);
    this.#waiting = rules.waitForAll;
    this.#track();
  }

  get memory(): VoteMemory {
    return {
      expected: this.#expected,
      floor: this.#barrier,
      quorate: this.#verdict.quorate,
      seq: this.#seq,
      ran: this.#ran,
      waiting: this.#waiting,
      last: this.#last,
      attempts: this.#attempts,
    };
  }

  get verdict(): VoteVerdict {
    return this.#verdict;
  }

  get deadline(): bigint | null {
    return this.#deadline;
  }

  /**
   * A configuration is about to be: whether others see it through this node may never learn, so from here on it
   * must not be contradicted (ADR 0161).
   */
  propose(seq: number, told: readonly ToldVotes[]): void {
    const { expected, majority } = judgeVotes(this.#rules, told, tiesOf(told));
    this.#expected = Math.max(this.#expected, expected);
    if (!majority) return;
    this.#attempts = [...this.#attempts, majorityOf(seq, told)].slice(-AMBIGUOUS_ATTEMPTS_MAX);
  }

  /** A configuration. @param time from which the window of last_man_standing counts. */
  decide(seq: number, told: readonly ToldVotes[], time: bigint): void {
    const { asCorosync, lastManStandingMs } = this.#rules;
    const before = this.#told;
    if (asCorosync) {
      // Who was never in a ring cannot know which half it is: Corosync's would take itself for the right one.
      const known = before.length === 0 ? null : majorityOf(this.#seq, before);
      this.#ties = known === null ? [] : [{ last: this.#last, before: known }];
    } else {
      this.#ties = tiesOf(told);
      this.#last = youngestMajority(told);
      this.#attempts = openAttempts(told);
    }
    this.#told = told;
    const verdict = judgeVotes(this.#rules, told, this.#ties);
    this.#seq = seq;
    this.#settle(verdict);
    const applies = lastManStandingMs !== undefined && told.every(({ votes }) => votes === 1);
    if (!applies || !verdict.quorate) this.#deadline = null;
    else if (asCorosync ? this.#isLess(before) : told.length < verdict.expected) {
      // Every further loss starts the window anew.
      this.#deadline = time + BigInt(lastManStandingMs) * NS_PER_MS;
    } else if (!asCorosync) this.#deadline = null;
  }

  /** Ordered: the window is over. */
  expire(time: bigint): void {
    if (this.#deadline === null || time < this.#deadline) return;
    this.#deadline = null;
    if (this.#verdict.quorate) this.#expect(this.#bounded(this.#told.length));
  }

  /** @returns why not; undefined: it can be set. */
  refuses(expected: number): string | undefined {
    const { votes, quorate } = this.#verdict;
    if (expected < votes) return `${votes} votes are present`;
    const next = conclude(this.#rules, this.#told, this.#ties, { votes, expected, waiting: false });
    return quorate && !next.quorate
      ? `${next.needed} votes would be needed and ${votes} are present`
      : undefined;
  }

  /** Ordered: an operator's word. */
  setExpected(expected: number): void {
    this.#barrier = expected;
    this.#expect(this.#rules.allowDownscale ? Math.max(expected, this.#stored) : expected);
  }

  /** Ordered: an operator's word on one node. */
  setVotes(nodeId: number, votes: number): void {
    this.#told = this.#told.map((one) => (one.nodeId === nodeId ? { ...one, votes } : one));
    this.#expect(this.#expected);
  }

  /** Ordered: a member leaves in good order. */
  leaving(nodeId: number): void {
    if (!this.#told.some((one) => one.nodeId === nodeId)) return;
    if (!this.#rules.allowDownscale) return;
    this.#told = this.#told.filter((one) => one.nodeId !== nodeId);
    this.#expect(this.#bounded(this.#told.length));
  }

  /** For `QuorumFilter.state`. */
  state(): QuorumState {
    const { quorate, votes, needed, expected } = this.#verdict;
    return { quorate, votes, needed, expected, flags: this.#flags(), nodes: this.#nodes() };
  }

  /** Corosync's: somebody is gone, or this is the half that goes on. */
  #isLess(before: readonly ToldVotes[]): boolean {
    const here = (node: number | undefined) => this.#told.some(({ nodeId }) => nodeId === node);
    const isHalf = this.#told.length <= this.#verdict.needed && here(this.#last?.members[0]);
    const isTied = this.#rules.autoTieBreaker !== undefined && isHalf;
    return isTied || before.some(({ nodeId }) => !here(nodeId));
  }

  #bounded(count: number): number {
    return this.#rules.allowDownscale ? Math.max(this.#barrier, count) : count;
  }

  /** The same members under another expectation. */
  #expect(wanted: number): void {
    const votes = this.#told.reduce((sum, one) => sum + one.votes, 0);
    const expected = Math.max(wanted, votes);
    const waiting = this.#waiting && votes < expected;
    const told = this.#told.map((one) => ({ ...one, expected }));
    this.#told = told;
    this.#settle(conclude(this.#rules, told, this.#ties, { votes, expected, waiting }));
  }

  #settle(verdict: VoteVerdict): void {
    this.#verdict = verdict;
    this.#expected = verdict.expected;
    if (verdict.quorate) this.#ran = verdict.expected;
    // Corosync's rule: who loses quorum waits for all again.
    this.#waiting = this.#rules.waitForAll && !verdict.quorate;
    if (verdict.majority) {
      this.#last = majorityOf(this.#seq, this.#told);
      this.#attempts = [];
    }
    this.#track();
  }

  /** The highest expectation ever seen is kept. */
  #track(): void {
    if (this.#store === undefined || this.#expected <= this.#stored) return;
    this.#stored = this.#expected;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#stored, true);
    this.#store.save(bytes);
  }

  #nodes(): readonly QuorumNode[] {
    const { quorate, expected } = this.#verdict;
    const flags = quorate ? ['quorate'] : this.#waiting ? ['waiting-for-all'] : [];
    return this.#told.map(({ nodeId, votes }) => ({ nodeId, votes, expected, flags }));
  }

  #flags(): readonly string[] {
    const { twoNode, waitForAll, autoTieBreaker, lastManStandingMs, allowDownscale } = this.#rules;
    const flags: readonly (readonly [string, boolean])[] = [
      ['two-node', twoNode],
      ['wait-for-all', waitForAll],
      ['waiting-for-all', this.#waiting],
      ['auto-tie-breaker', autoTieBreaker !== undefined],
      ['last-man-standing', lastManStandingMs !== undefined],
      ['allow-downscale', allowDownscale],
    ];
    return flags.filter(([, on]) => on).map(([name]) => name);
  }
}

function majorityOf(seq: number, told: readonly ToldVotes[]): Majority {
  const votes = told.reduce((sum, one) => sum + one.votes, 0);
  return { seq, members: told.map(({ nodeId }) => nodeId), votes };
}

function highestOf(saved: Uint8Array | undefined): number {
  if (saved?.length !== 4) return 0;
  return new DataView(saved.buffer, saved.byteOffset, saved.byteLength).getUint32(0, true);
}
