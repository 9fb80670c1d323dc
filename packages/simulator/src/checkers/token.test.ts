/** L2 and L3 bite: hand-made looks at the token and configurations. */
import { describe, expect, test } from '@jest/globals';
import type { TraceRecord } from '../trace/record.ts';
import { createTokenChecker, type TokenChecker } from './token.ts';
import { createViolationLog } from './violation.ts';

const OPTIONS = { silenceMsMax: 100, changesMax: 2 };
const ringId = { rep: 1, seq: 4 };

const look = (time: number, visits: number, excused = false): TraceRecord => ({
  kind: 'token',
  time,
  node: 1,
  incarnation: 1,
  ringId,
  visits,
  excused,
});
const heal: TraceRecord = { kind: 'heal', time: 0, node: 0, incarnation: 0 };
const install = (time: number): TraceRecord => ({
  kind: 'configuration',
  time,
  node: 1,
  incarnation: 1,
  configuration: {
    type: 'regular',
    ringId: { rep: 1, seq: time },
    members: [1],
    left: [],
    joined: [],
  },
});

function judge(run: (checker: TokenChecker) => void): string[] {
  const log = createViolationLog();
  run(createTokenChecker(log, OPTIONS));
  return log.list.map(({ property }) => property);
}
const judgeAll = (...records: readonly TraceRecord[]): string[] =>
  judge((checker) => {
    for (const record of records) checker.record(record);
  });

describe('L2', () => {
  test('a token that comes, however slowly, is fine', () => {
    expect(judgeAll(look(0, 1), look(90, 2), look(180, 3), look(270, 4))).toEqual([]);
  });

  test('a configuration without a token is told', () => {
    expect(judgeAll(look(0, 1), look(90, 1), look(101, 1))).toEqual(['L2']);
  });

  test('a process that is paused or outside a ring needs no token', () => {
    expect(judgeAll(look(0, 1), look(90, 1, true), look(180, 1), look(270, 1))).toEqual([]);
  });
});

describe('L3', () => {
  test('a bounded number of configurations after the heal is fine', () => {
    expect(judgeAll(install(4), install(8), install(12), heal, install(16), install(20))).toEqual(
      [],
    );
  });

  test('more are told', () => {
    expect(judgeAll(heal, install(4), install(8), install(12))).toEqual(['L3']);
  });

  test('one more after the last is told', () => {
    const found = judge((checker) => {
      checker.record(heal);
      checker.record(install(4));
      checker.calm();
      checker.record(install(8));
    });
    expect(found).toEqual(['L3']);
  });
});
