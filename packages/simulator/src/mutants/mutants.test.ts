/** Every planted fault is caught, by one of the properties it names, with the seed it names. */
import { describe, expect, test } from '@jest/globals';
import { realFactoryOf } from '../processes/real-factory.ts';
import { hunt } from './hunt.ts';
import { MUTANT_SEEDS_MAX, MUTANTS } from './index.ts';

describe('a planted fault is caught', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_name, mutant) => {
    expect(hunt(mutant, realFactoryOf, mutant.seed, mutant.seed)).toBeDefined();
  });
});

test('there are at least thirty mutants, all with names of their own and within reach', () => {
  expect(new Set(MUTANTS.map((mutant) => mutant.name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  for (const { seed } of MUTANTS) expect(seed).toBeLessThanOrEqual(MUTANT_SEEDS_MAX);
});

test('every property of virtual synchrony, order, quorum and liveness has a mutant that shows it bites', () => {
  const covered = new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
  for (const property of [
    'E1',
    'E2',
    'E3',
    'E5',
    'E6',
    'E7',
    'E8',
    'E9',
    'E10',
    'E11',
    'E12',
    'L1',
    'L2',
    'L3',
  ]) {
    expect(covered).toContain(property);
  }
});
