/** Locks under fire keep their promises. `AISEXEC_LOCK_SEEDS=5000` runs as many seeds as one likes. */
import { describe, expect, test } from '@jest/globals';
import { violationText } from '../checkers/violation.ts';
import { runLockSimulation } from './locks-run.ts';

const SEEDS = Number(process.env['AISEXEC_LOCK_SEEDS'] ?? 12);
const SECONDS = 8;
const SEED_MS_MAX = 60_000;

describe('locks under fire', () => {
  let grants = 0;
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'seed %i',
    (seed) => {
      const { run, locks } = runLockSimulation({ seed, seconds: SECONDS });
      expect(run.violations.map(violationText)).toEqual([]);
      expect(locks.violations).toEqual([]);
      expect(locks.undecided).toBe(0);
      grants += locks.grants;
    },
    SEED_MS_MAX,
  );

  test('and they were granted', () => {
    expect(grants).toBeGreaterThan(SEEDS);
  });
});
