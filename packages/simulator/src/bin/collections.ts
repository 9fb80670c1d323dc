/** What `aissim` runs beside seeds: the hunt for planted faults, the coverage of situations, hostile datagrams. */

import { attack } from '../hostile/attack.ts';
import { hunt } from '../mutants/hunt.ts';
import { MUTANT_SEEDS_MAX, MUTANTS } from '../mutants/index.ts';
import { realFactoryOf } from '../processes/real-factory.ts';
import type { RunOptions } from '../scenario.ts';
import { cover, coverageTable, impossibleTable } from '../situations/cover.ts';
import { tableText } from './report.ts';

type Print = (line: string) => void;

const ATTACK_PACKETS = 2000;
const ATTACKS_PER_COVERAGE = 5;

/** Every planted fault: the first seed that catches it, by which properties, and how long the hunt took. */
export function huntAll(print: Print): boolean {
  let survivors = 0;
  const begin = performance.now();
  for (const mutant of MUTANTS) {
    const start = performance.now();
    const found = hunt(mutant, realFactoryOf, 1, MUTANT_SEEDS_MAX);
    if (found === undefined) survivors += 1;
    const verdict =
      found === undefined
        ? `survived ${MUTANT_SEEDS_MAX} seeds`
        : `seed ${String(found.seed).padStart(3)}  ${found.properties.join(' ').padEnd(12)}`;
    const seconds = secondsSince(start, 1).padStart(6);
    print(`${mutant.name.padEnd(22)} ${verdict} ${seconds} s  ${mutant.description}`);
  }
  print(`${MUTANTS.length} planted faults, ${survivors} survived; ${secondsSince(begin, 0)} s`);
  return survivors === 0;
}

/** The table of situations after `count` seeds and some hostile runs. */
export function showCoverage(options: RunOptions, count: number, print: Print): boolean {
  const seeds = Array.from({ length: count }, (_, i) => ({ ...options, seed: options.seed + i }));
  const attackSeeds = seeds.slice(0, ATTACKS_PER_COVERAGE).map(({ seed }) => seed);
  const coverage = cover({ seeds, attackSeeds, packetsPerAttack: ATTACK_PACKETS });
  print(tableText(coverageTable(coverage)));
  print('\nIn brackets: hits of hostile runs, where a driver that keeps its contract cannot get:');
  print(tableText(impossibleTable()));
  for (const problem of coverage.problems) print(`MISSING ${problem}`);
  print(`\n${count} seeds, ${coverage.problems.length} problems`);
  return coverage.problems.length === 0;
}

/** Hostile datagrams into live rings, one seed after the other. */
export function attackMany(firstSeed: number, count: number, print: Print): boolean {
  const begin = performance.now();
  let failed = 0;
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const { faults } = attack({ seed, packets: ATTACK_PACKETS });
    if (faults.length > 0) failed += 1;
    for (const fault of faults) print(`attack ${seed}: ${fault}`);
  }
  const packets = count * ATTACK_PACKETS;
  print(`${count} attacks, ${packets} datagrams, ${failed} failed; ${secondsSince(begin, 1)} s`);
  return failed === 0;
}

const secondsSince = (start: number, digits: number): string =>
  ((performance.now() - start) / 1000).toFixed(digits);
