import { expect, test } from '@jest/globals';
import { violationText } from './checkers/violation.ts';
import { REGRESSIONS } from './regressions.ts';
import { runNamed } from './workloads/named-runs.ts';

for (const { name, options } of REGRESSIONS) {
  test(`stays fixed: ${name}`, () => {
    const { violations } = runNamed(options);
    expect(violations.map(violationText)).toEqual([]);
  });
}

test('every regression has a name of its own', () => {
  expect(new Set(REGRESSIONS.map(({ name }) => name)).size).toBe(REGRESSIONS.length);
});
