/** Looks for the first seed that catches a planted fault. */
import type { FactoryOf } from '../run.ts';
import { runSimulation } from '../run.ts';
import { MUTANT_SECONDS, type Mutant } from './mutant.ts';

export interface Catch {
  readonly seed: number;
  /** Which of the mutant's properties reported it. */
  readonly properties: readonly string[];
}

/** The first of the seeds whose verdict names one of the mutant's properties; undefined when none does. */
export function hunt(
  mutant: Mutant,
  factoryOf: FactoryOf,
  firstSeed: number,
  lastSeed: number,
): Catch | undefined {
  for (let seed = firstSeed; seed <= lastSeed; seed += 1) {
    const options = { seed, seconds: MUTANT_SECONDS, faults: true, stack: 'ring' } as const;
    const { violations } = runSimulation({ ...options, mutant: mutant.name }, factoryOf);
    const found = violations.map(({ property }) => property);
    const properties = mutant.caughtBy.filter((property) => found.includes(property));
    if (properties.length > 0) return { seed, properties };
  }
  return undefined;
}
