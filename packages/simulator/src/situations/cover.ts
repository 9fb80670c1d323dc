/**
 * The gate of situations: seeds that keep the driver's contract and hostile runs that do not, counted apart. Every
 * cell must have been reached, one that stands among the impossible by hostile runs alone.
 */
import { createRing } from '@aisexec/totem';
import { attack } from '../hostile/attack.ts';
import { realFactoryWith } from '../processes/real-factory.ts';
import { runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import type { Script } from '../scenarios/parse.ts';
import { play } from '../scenarios/play.ts';
import { createSituations, IMPOSSIBLE, INPUTS, type Situations, STATES } from './situations.ts';

export interface CoverOptions {
  readonly seeds: readonly RunOptions[];
  readonly scripts?: readonly Script[];
  readonly attackSeeds: readonly number[];
  readonly packetsPerAttack: number;
}

export interface Coverage {
  readonly genuine: Situations;
  readonly hostile: Situations;
  /** What is wrong, each a sentence: missed cells, refuted reasons, failed runs. */
  readonly problems: readonly string[];
}

export function cover({
  seeds,
  scripts = [],
  attackSeeds,
  packetsPerAttack,
}: CoverOptions): Coverage {
  const genuine = createSituations();
  const hostile = createSituations();
  const problems: string[] = [];
  const factoryOf = realFactoryWith(genuine.watch(createRing));
  for (const options of seeds) {
    const { clean } = runSimulation(options, factoryOf);
    if (!clean) problems.push(`seed ${options.seed} was not clean`);
  }
  for (const script of scripts) problems.push(...play(script, genuine.watch(createRing)).problems);
  for (const seed of attackSeeds) {
    const { faults } = attack({ seed, packets: packetsPerAttack, watch: hostile.watch });
    for (const fault of faults) problems.push(`attack ${seed}: ${fault}`);
  }
  return { genuine, hostile, problems: [...problems, ...judge(genuine, hostile)] };
}

export function judge(genuine: Situations, hostile: Situations): string[] {
  const problems: string[] = [];
  for (const state of STATES) {
    for (const input of INPUTS) {
      const cell = `${state} ${input}`;
      const reason = IMPOSSIBLE.get(cell);
      if (reason === undefined) {
        if (!genuine.hits.has(cell)) problems.push(`${cell}: no run got there`);
      } else if (genuine.hits.has(cell)) {
        problems.push(`${cell}: was reached, though "${reason}"`);
      } else if (!hostile.hits.has(cell)) {
        problems.push(`${cell}: no hostile run got there`);
      }
    }
  }
  return problems;
}

/** Inputs by states: hits of genuine runs; hits of hostile ones in brackets where no other can be. */
export function coverageTable({
  genuine,
  hostile,
}: Pick<Coverage, 'genuine' | 'hostile'>): string[][] {
  const count = (cell: string): string =>
    IMPOSSIBLE.has(cell) ? `(${hostile.hits.get(cell) ?? 0})` : `${genuine.hits.get(cell) ?? 0}`;
  return [
    ['', ...STATES],
    ...INPUTS.map((input) => [input, ...STATES.map((state) => count(`${state} ${input}`))]),
  ];
}

/** Every impossible cell with its reason, in the order of the table. */
export const impossibleTable = (): string[][] =>
  [...IMPOSSIBLE].map(([cell, reason]) => [cell, reason]);
