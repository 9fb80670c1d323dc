/** Worlds with several networks: the ring on all of them, and the checker that sees one that is on the first alone. */

import { createRing } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import { violationText } from './checkers/violation.ts';
import { realFactoryOf } from './processes/real-factory.ts';
import { ringProcessFactory } from './processes/ring-process.ts';
import { type FactoryOf, runSimulation } from './run.ts';
import { drawScenario, type RunOptions } from './scenario.ts';

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

const optionsOf = (seed: number, linkMode: 'passive' | 'active', links = 2): RunOptions => ({
  seed,
  seconds: 6,
  nodes: 3,
  faults: true,
  stack: 'ring',
  links,
  linkMode,
});
const isCalm = (options: RunOptions): boolean => drawScenario(options).links?.isCalm === true;

describe.each(['passive', 'active'] as const)('%s', (mode) => {
  test('every promise is kept over two networks, and over eight', () => {
    const all = SEEDS.map((seed) => optionsOf(seed, mode, seed === 1 ? 8 : 2));
    expect(all.filter(isCalm).length).toBeGreaterThan(2);
    for (const options of all) {
      const result = runSimulation(options, realFactoryOf);
      expect([options.seed, ...result.violations.map(violationText)]).toEqual([options.seed]);
      expect(result.summary.delivered).toBeGreaterThan(0);
    }
  });

  test('a ring that uses the first network alone is seen when the first is cut and the second is whole', () => {
    const blind: FactoryOf = ({ settings, settingsOf, load }) =>
      ringProcessFactory({ createRing, settings, settingsOf, load, quorum: { provider: 'none' } });
    const found = SEEDS.map((seed) => optionsOf(seed, mode))
      .filter((options) => isCalm(options) && drawScenario(options).mix.spare === 1)
      .map((options) => runSimulation(options, blind))
      .filter(({ violations }) => violations.some(({ property }) => property === 'N1'));
    expect(found.length).toBeGreaterThan(0);
  });
});

test('the same seed with several networks gives the same trace twice', () => {
  const options = optionsOf(5, 'active');
  const { traceHash } = runSimulation(options, realFactoryOf);
  expect(runSimulation(options, realFactoryOf).traceHash).toBe(traceHash);
});

test('the whole stack runs over two networks', () => {
  for (const seed of [1, 2]) {
    const options = { ...optionsOf(seed, 'passive'), stack: 'full' } as const;
    const result = runSimulation(options, realFactoryOf);
    expect(result.violations.map(violationText)).toEqual([]);
    expect(result.statesCompared).toBeGreaterThan(0);
  }
});
