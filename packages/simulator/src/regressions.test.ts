import { expect, test } from '@jest/globals';
import { violationText } from './checkers/violation.ts';
import { realFactoryOf } from './processes/real-factory.ts';
import { REGRESSIONS } from './regressions.ts';
import { runSimulation } from './run.ts';

test.each(REGRESSIONS.map((entry) => [entry.name, entry.options] as const))(
  'stays fixed: %s',
  (_name, options) => {
    const { violations } = runSimulation(options, realFactoryOf);
    expect(violations.map(violationText)).toEqual([]);
  },
);
