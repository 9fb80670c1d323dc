/** Every planted fault is caught by one of the properties it names, within the seeds it states. */
import { describe, expect, test } from '@jest/globals';
import { realFactoryOf } from '../processes/real-factory.ts';
import { runSimulation } from '../run.ts';
import { MUTANTS, type Mutant } from './index.ts';

const SECONDS = 10;

/** The first seed whose verdict names one of the mutant's properties; undefined when none does. */
function firstCatch(mutant: Mutant): number | undefined {
  for (let seed = 1; seed <= mutant.withinSeeds; seed += 1) {
    const options = {
      seed,
      seconds: SECONDS,
      faults: true,
      stack: 'ring',
      mutant: mutant.name,
    } as const;
    const { violations } = runSimulation(options, realFactoryOf);
    if (violations.some(({ property }) => mutant.caughtBy.includes(property))) return seed;
  }
  return undefined;
}

describe('a planted fault is caught', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_name, mutant) => {
    expect(firstCatch(mutant)).toBeDefined();
  });
});

test('there are at least twelve mutants, all with names of their own', () => {
  expect(new Set(MUTANTS.map((mutant) => mutant.name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(12);
});
