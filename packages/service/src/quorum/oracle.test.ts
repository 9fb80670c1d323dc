/**
 * Every combination of votequorum's options and every partition of up to seven nodes, compared with a second
 * opinion (oracle.fixture.ts); then sequences of partitions, deaths and returns; then the promise itself: never two
 * quorate parts at once. `QUORUM_SEQUENCES=20000` has all of it, and the random part longer.
 */
import { describe, expect, test } from '@jest/globals';
import { createRandom, type Random } from '../testing/random.ts';
import type { QuorumFilter, QuorumStore } from './contract.ts';
import { createQuorum, type QuorumOptions } from './create-quorum.ts';
import { OracleCluster, type OracleRules, partitionsOf } from './oracle.fixture.ts';
import { rulesOf, type VotequorumOptions } from './votequorum.ts';
import { promisesOne, type TieBreaker } from './votes.ts';

const SEQUENCES = Number(process.env['QUORUM_SEQUENCES'] ?? 1_500);
const FULL = process.env['QUORUM_SEQUENCES'] !== undefined;
const WINDOW_MS = 10_000;

/** Filters on machines that meet, part and restart; their disks survive. */
class FilterCluster {
  readonly #options: QuorumOptions;
  readonly #filters = new Map<number, QuorumFilter>();
  readonly #disks = new Map<number, Uint8Array>();
  readonly #rings = new Map<number, readonly number[]>();
  readonly #blocked = new Set<number>();
  #seq = 0;
  #time = 0n;

  constructor(options: QuorumOptions) {
    this.#options = options;
  }

  boot(id: number): void {
    const disks = this.#disks;
    const store: QuorumStore = {
      saved: disks.get(id),
      save: (bytes) => void disks.set(id, bytes.slice()),
    };
    this.#filters.set(id, createQuorum(this.#options, id, store));
  }

  /** @param cut how many of them see the end of the synchronisation; the others only took part. */
  meet(ids: readonly number[], cut = ids.length): boolean[] {
    this.#seq += 4;
    const members = ids.map((nodeId) => ({
      nodeId,
      said: this.#filters.get(nodeId)!.tell?.(),
    }));
    const ring = { ringId: { rep: ids[0]!, seq: this.#seq }, members, time: this.#time };
    for (const id of ids) this.#filters.get(id)!.propose?.(ring);
    this.block(ids);
    for (const id of ids) this.#rings.set(id, ids);
    for (const id of ids.slice(0, cut)) this.#blocked.delete(id);
    return ids.slice(0, cut).map((id) => this.#filters.get(id)!.update(ring).quorate);
  }

  window(ids: readonly number[]): void {
    this.#time += BigInt(WINDOW_MS) * 1_000_000n;
    for (const id of ids) this.#filters.get(id)!.expire?.(this.#time);
  }

  /**
   * These have left their rings: whoever was in one with them notices, and until it has met others nothing is granted
   * there. A synchronisation that was cut short leaves it so, too.
   */
  block(ids: readonly number[]): void {
    for (const [id, ring] of this.#rings) {
      if (ring.some((one) => ids.includes(one))) this.#blocked.add(id);
    }
  }

  isBlocked(id: number): boolean {
    return this.#blocked.has(id);
  }

  quorate(id: number): boolean {
    if (this.isBlocked(id)) return false;
    return this.#filters.get(id)!.state.quorate;
  }
}

const nodesOf = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

function* combinations(n: number): Generator<OracleRules> {
  const ties: readonly (TieBreaker | undefined)[] = [undefined, 'lowest', 'highest', [n, 1]];
  for (const tie of ties) {
    for (const waitForAll of [false, true]) {
      for (const lastManStanding of [false, true]) {
        yield { expected: n, twoNode: false, waitForAll, tie, lastManStanding };
        if (n === 2 && tie === undefined) {
          yield { expected: n, twoNode: true, waitForAll, tie, lastManStanding };
        }
      }
    }
  }
}

const optionsOf = (rules: OracleRules, asCorosync: boolean): VotequorumOptions => ({
  provider: 'votequorum',
  expectedVotes: rules.expected,
  twoNode: rules.twoNode,
  waitForAll: rules.waitForAll,
  asCorosync,
  ...(rules.tie === undefined ? {} : { autoTieBreaker: rules.tie }),
  ...(rules.lastManStanding ? { lastManStandingMs: WINDOW_MS } : {}),
});

interface Desk {
  readonly filters: FilterCluster;
  readonly oracle: OracleCluster;
  compared: number;
}

function deskOf(rules: OracleRules, asCorosync: boolean): Desk {
  const filters = new FilterCluster(optionsOf(rules, asCorosync));
  const oracle = new OracleCluster(rules);
  for (const node of nodesOf(rules.expected)) {
    filters.boot(node);
    oracle.boot(node);
  }
  return { filters, oracle, compared: 0 };
}

function compare(desk: Desk, rules: OracleRules, part: readonly number[], story: string): void {
  const ours = desk.filters.meet(part);
  const theirs = desk.oracle.meet(part);
  desk.compared += part.length;
  if (ours.join() !== theirs.join()) {
    throw new Error(`${JSON.stringify(rules)} ${story}: ${part}: we say ${ours}, not ${theirs}`);
  }
}

describe('votequorum and the second opinion agree', () => {
  test('on every combination of options and every partition of up to six nodes (of seven: into two), and on the heal', () => {
    let compared = 0;
    let situations = 0;
    for (let n = 1; n <= 7; n++) {
      for (const rules of combinations(n)) {
        for (const parts of partitionsOf(nodesOf(n))) {
          // All 877 partitions of seven nodes take their time: the long run has them.
          if (n === 7 && parts.length > 2 && !FULL) continue;
          // From the cold, and after all were there.
          for (const together of [false, true]) {
            const desk = deskOf(rules, true);
            if (together) compare(desk, rules, nodesOf(n), 'all');
            for (const part of parts) compare(desk, rules, part, `${JSON.stringify(parts)}`);
            for (const part of parts) {
              desk.filters.window(part);
              desk.oracle.window(part);
            }
            compare(desk, rules, nodesOf(n), `heal of ${JSON.stringify(parts)}`);
            compared += desk.compared;
            situations += 1;
          }
        }
      }
    }
    process.stdout.write(`quorum: ${compared} verdicts in ${situations} situations compared\n`);
    expect(situations).toBe(FULL ? 36_976 : 10_960);
  });

  test('on random sequences of partitions, heals, windows and restarts', () => {
    let compared = 0;
    for (let seed = 1; seed <= SEQUENCES; seed++) {
      const random = createRandom(seed);
      const n = 2 + random.below(6);
      const rules = random.pick([...combinations(n)]);
      const desk = deskOf(rules, true);
      let story = `seed ${seed}`;
      let parts: number[][] = nodesOf(n).map((node) => [node]);
      for (let step = 0; step < 12; step++) {
        const part = random.pick(parts);
        switch (random.below(8)) {
          case 0:
            desk.filters.window(part);
            desk.oracle.window(part);
            story += ` window ${part}`;
            break;
          case 1: {
            const node = random.pick(part);
            parts = without(parts, node);
            desk.filters.boot(node);
            desk.oracle.boot(node);
            parts.push([node]);
            story += ` restart ${node}`;
            for (const one of parts) compare(desk, rules, one, story);
            break;
          }
          default:
            parts = split(nodesOf(n), random);
            story += ` ${JSON.stringify(parts)}`;
            for (const one of parts) compare(desk, rules, one, story);
        }
      }
      compared += desk.compared;
    }
    process.stdout.write(`quorum: ${compared} verdicts in ${SEQUENCES} sequences compared\n`);
    expect(compared).toBeGreaterThan(SEQUENCES * 10);
  });
});

/** Which filters promise that at most one part is quorate, whatever happens. */
function* promising(n: number): Generator<QuorumOptions> {
  yield { provider: 'ykd', nodes: nodesOf(n) };
  for (const rules of combinations(n)) {
    const options = optionsOf(rules, false);
    if (promisesOne(rulesOf(options))) yield options;
  }
}

describe('at most one part of a cluster is quorate, and its members agree,', () => {
  test('after every partition that follows every other, from the whole, of up to four nodes', () => {
    let situations = 0;
    for (let n = 2; n <= (FULL ? 5 : 4); n++) {
      for (const options of promising(n)) {
        for (const first of partitionsOf(nodesOf(n))) {
          for (const second of partitionsOf(nodesOf(n))) {
            const cluster = new FilterCluster(options);
            for (const node of nodesOf(n)) cluster.boot(node);
            const story = JSON.stringify([options, first, second]);
            meetAll(cluster, [nodesOf(n)], story);
            meetAll(cluster, first, story);
            for (const part of first) cluster.window(part);
            meetAll(cluster, second, story);
            situations += 1;
          }
        }
      }
    }
    process.stdout.write(`quorum: ${situations} pairs of partitions, never two quorate parts\n`);
    expect(situations).toBeGreaterThan(FULL ? 10_000 : 1_700);
  });

  test('in random sequences with restarts, windows and synchronisations cut short', () => {
    let quorate = 0;
    for (let seed = 1; seed <= SEQUENCES; seed++) {
      const random = createRandom(seed);
      const n = 2 + random.below(6);
      const options = random.pick([...promising(n)]);
      const cluster = new FilterCluster(options);
      for (const node of nodesOf(n)) cluster.boot(node);
      const story = [`seed ${seed} ${JSON.stringify(options)}`];
      let parts: number[][] = [nodesOf(n)];
      meetAll(cluster, parts, story.join(' '));
      for (let step = 0; step < 24; step++) {
        const pick = random.below(10);
        if (pick === 0) {
          const part = random.pick(parts);
          if (part.some((node) => cluster.isBlocked(node))) continue;
          story.push(`window ${part}`);
          cluster.window(part);
        } else if (pick === 1) {
          const node = random.below(n) + 1;
          cluster.block([node]);
          parts = [...without(parts, node), [node]];
          story.push(`restart ${node}`);
          cluster.boot(node);
        } else {
          // One configuration at a time: the others go on with what they believe.
          const part = random.pick(split(nodesOf(n), random));
          const cut = random.below(4) === 0 ? random.below(part.length) : part.length;
          const left = part.reduce((rest, node) => without(rest, node), parts);
          story.push(`${part} of which ${cut} see the end`);
          const verdicts = cluster.meet(part, cut);
          agree(verdicts, story.join('; '));
          parts = [...left, part.slice(0, cut), ...part.slice(cut).map((node) => [node])];
          parts = parts.filter((one) => one.length > 0);
        }
        quorate += onlyOne(cluster, parts, story.join('; '));
      }
    }
    process.stdout.write(`quorum: ${SEQUENCES} sequences, ${quorate} quorate parts, never two\n`);
    expect(quorate).toBeGreaterThan(SEQUENCES);
  });
});

function meetAll(
  cluster: FilterCluster,
  parts: readonly (readonly number[])[],
  story: string,
): void {
  for (const part of parts) agree(cluster.meet(part), story);
  onlyOne(cluster, parts, story);
}

function agree(verdicts: readonly boolean[], story: string): void {
  if (new Set(verdicts).size > 1) throw new Error(`members differ: ${story}: ${verdicts}`);
}

function onlyOne(
  cluster: FilterCluster,
  parts: readonly (readonly number[])[],
  story: string,
): number {
  const quorate = parts.filter((part) => part.some((node) => cluster.quorate(node)));
  if (quorate.length > 1) {
    throw new Error(`${quorate.length} quorate parts ${JSON.stringify(quorate)}: ${story}`);
  }
  return quorate.length;
}

function without(parts: readonly (readonly number[])[], node: number): number[][] {
  return parts.map((part) => part.filter((one) => one !== node)).filter((part) => part.length > 0);
}

function split(nodes: readonly number[], random: Random): number[][] {
  const parts = new Map<number, number[]>();
  for (const node of nodes) {
    const at = random.below(1 + random.below(3));
    parts.set(at, [...(parts.get(at) ?? []), node]);
  }
  return [...parts.values()];
}
