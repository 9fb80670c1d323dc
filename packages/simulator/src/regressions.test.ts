import { expect, test } from '@jest/globals';
import { violationText } from './checkers/violation.ts';
import { realFactoryOf } from './processes/real-factory.ts';
import { REGRESSIONS } from './regressions.ts';
import { runSimulation } from './run.ts';

for (const { name, options } of REGRESSIONS) {
  test(`stays fixed: ${name}`, () => {
    const { violations } = runSimulation(options, realFactoryOf);
    expect(violations.map(violationText)).toEqual([]);
  });
}

test('every regression has a name of its own', () => {
  expect(new Set(REGRESSIONS.map(({ name }) => name)).size).toBe(REGRESSIONS.length);
});
