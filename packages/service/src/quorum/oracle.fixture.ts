/**
 * A literal-minded second opinion on quorum: a cluster of up to seven machines, written from votequorum(5) and the
 * paper on dynamic voting without a look at the filters. Every machine keeps its own notes, as the C daemon does,
 * in plain arrays; nothing is shared with the code under test.
 */
import type { TieBreaker } from './votes.ts';

export interface OracleRules {
  readonly expected: number;
  readonly twoNode: boolean;
  readonly waitForAll: boolean;
  readonly tie: TieBreaker | undefined;
  readonly lastManStanding: boolean;
}

interface Machine {
  readonly id: number;
  votes: number;
  expected: number;
  quorate: boolean;
  waits: boolean;
  /** Members of the configuration before this one, and of the last one that had a majority. */
  party: number[];
  /** The window of last_man_standing is open. */
  timer: boolean;
  majority: number[];
}

/** Machines that decide like the C daemon: each from its own notes and from what the others say. */
export class OracleCluster {
  readonly #rules: OracleRules;
  readonly #machines = new Map<number, Machine>();

  constructor(rules: OracleRules) {
    this.#rules = rules;
  }

  boot(id: number, votes = 1): void {
    const { expected, waitForAll } = this.#rules;
    this.#machines.set(id, {
      ...{
        id,
        votes,
        expected,
        quorate: false,
        waits: waitForAll,
        party: [],
        majority: [],
        timer: false,
      },
    });
  }

  /** These machines meet, and only these. @returns the verdict of each. */
  meet(ids: readonly number[]): boolean[] {
    const machines = ids.map((id) => this.#machines.get(id)!);
    const said = machines.map(({ votes, expected, quorate, waits }) => {
      return { votes, expected, quorate, waits };
    });
    let total = 0;
    for (const one of said) total = total + one.votes;
    const someoneRuns = said.some((one) => one.quorate);
    const expects = said.filter((one) => one.quorate || !someoneRuns).map((one) => one.expected);
    let expected = total;
    for (const one of expects) if (one > expected) expected = one;
    return machines.map((machine) => {
      machine.expected = expected;
      if (machine.waits && said.some((one) => one.quorate && !one.waits)) machine.waits = false;
      if (total === expected) machine.waits = false;
      const gone = machine.party.some((node) => !ids.includes(node));
      this.#judge(machine, [...ids], total);
      const few = ids.length <= Math.floor(machine.expected / 2) + 1;
      const chosen = this.#rules.tie !== undefined && few && ids.includes(machine.majority[0] ?? 0);
      if (gone || chosen) machine.timer = true;
      if (!machine.quorate) machine.timer = false;
      return machine.quorate;
    });
  }

  /** The window of last_man_standing passes for the part that these machines form. */
  window(ids: readonly number[]): void {
    if (!this.#rules.lastManStanding) return;
    for (const id of ids) {
      const machine = this.#machines.get(id)!;
      if (!machine.timer || !machine.quorate) continue;
      machine.timer = false;
      machine.expected = ids.length;
      machine.majority = [...ids];
    }
  }

  #judge(machine: Machine, party: number[], total: number): void {
    const { twoNode, waitForAll } = this.#rules;
    const half = machine.expected / 2;
    let enough = total > half;
    if (twoNode && party.length <= 2 && total >= 1) enough = true;
    const before = machine.party;
    machine.party = party;
    if (waitForAll && machine.waits) {
      machine.quorate = false;
      return;
    }
    if (enough) machine.majority = party;
    machine.quorate = enough || this.#tie(machine, before, party, total);
    if (waitForAll) machine.waits = !machine.quorate;
  }

  #tie(machine: Machine, before: readonly number[], party: readonly number[], total: number) {
    const { tie } = this.#rules;
    if (tie === undefined || before.length === 0) return false;
    if (total !== Math.floor(machine.expected / 2)) return false;
    const majorityWouldBe = Math.floor(machine.expected / 2) + 1;
    if (before.length - party.length >= majorityWouldBe) return false;
    if (tie === 'lowest') return party.includes(Math.min(...machine.majority));
    if (tie === 'highest') return party.includes(Math.max(...machine.majority));
    for (const node of tie) {
      if (party.includes(node)) return true;
      if (before.includes(node)) return false;
    }
    return false;
  }
}

/** All ways to cut a set of nodes into parts. */
export function* partitionsOf(nodes: readonly number[]): Generator<number[][]> {
  const [first, ...rest] = nodes;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const parts of partitionsOf(rest)) {
    yield [[first], ...parts];
    for (let i = 0; i < parts.length; i++) {
      yield parts.map((part, at) => (at === i ? [first, ...part] : part));
    }
  }
}
