/** Locks under fire keep their promises. `AISEXEC_LOCK_SEEDS=5000` runs as many seeds as one likes. */
import { createLckService } from '@aisexec/lck/service';
import { describe, expect, test } from '@jest/globals';
import { violationText } from '../checkers/violation.ts';
import { runLockSimulation } from './locks-run.ts';

const SEEDS = Number(process.env['AISEXEC_LOCK_SEEDS'] ?? 12);
const SECONDS = 8;
const SEED_MS_MAX = 60_000;
const UNDECIDED_SHARE_MAX = 0.02;
const FIFO_SEEDS = [1, 2, 3, 4];

describe('locks under fire', () => {
  let grants = 0;
  let undecided = 0;
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'seed %i',
    (seed) => {
      const { run, locks } = runLockSimulation({ seed, seconds: SECONDS });
      expect(run.violations.map(violationText)).toEqual([]);
      expect(locks.violations).toEqual([]);
      undecided += locks.undecided;
      grants += locks.grants;
    },
    SEED_MS_MAX,
  );

  test('and they were granted, and nearly every history was decided', () => {
    expect(grants).toBeGreaterThan(SEEDS);
    expect(undecided).toBeLessThanOrEqual(SEEDS * UNDECIDED_SHARE_MAX);
  });
});

describe('locks under fire, first come, first served', () => {
  const service = createLckService({ fairness: 'fifo' });
  test.each(FIFO_SEEDS)(
    'seed %i',
    (seed) => {
      const { run, locks } = runLockSimulation({ seed, seconds: SECONDS, service });
      expect(run.violations.map(violationText)).toEqual([]);
      // A refusal may be due to the queue, which the sequential model does not know.
      const broken = locks.violations.filter(({ property }) => property !== 'linearizability');
      expect(broken).toEqual([]);
    },
    SEED_MS_MAX,
  );
});
