/** Every planted bug is caught by one of the properties it names; the service without one is clean on the same seeds. */
import { describe, expect, test } from '@jest/globals';
import { LOCK_MUTANTS, type LockMutant } from './locks-mutants.ts';
import { runLockSimulation } from './locks-run.ts';

const SEEDS_MAX = 40;
const SECONDS = 8;
const MUTANT_MS_MAX = 120_000;

function firstCatch({ service, caughtBy }: LockMutant): number | undefined {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { violations } = runLockSimulation({ seed, seconds: SECONDS, service, draws: 1 }).locks;
    if (violations.some(({ property }) => caughtBy.includes(property))) return seed;
  }
  return undefined;
}

describe('a planted bug is caught', () => {
  test.each(LOCK_MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '%s',
    (_name, mutant) => {
      expect(firstCatch(mutant)).toBeDefined();
    },
    MUTANT_MS_MAX,
  );
});

test('there are at least six, all with names of their own', () => {
  expect(new Set(LOCK_MUTANTS.map(({ name }) => name)).size).toBe(LOCK_MUTANTS.length);
  expect(LOCK_MUTANTS.length).toBeGreaterThanOrEqual(6);
});
