import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import * as sa from '../client/sa-tmr.ts';
import { createWorld } from '../cluster.fixture.ts';
import { FUNCTION_NAMES, ROWS, tableLines } from './rows.fixture.ts';
import { codeOf, Stage } from './stage.fixture.ts';

const PAGE = new URL('../../../../docs/reference/conformance-tmr.md', import.meta.url);

test.each(ROWS.map((row) => [row.fn, row.code, row.when, row] as const))(
  '%s answers %s: %s',
  async (_fn, code, _when, row) => {
    const world = createWorld(2);
    const stage = new Stage({
      connect: { connector: world.connector(2) },
      elapse: async (ms) => world.cluster.advance(ms),
    });
    expect(codeOf((await row.run(stage)).rc)).toBe(code);
  },
);

test('the table has every function, each with its OK and at least one refusal', () => {
  expect(Object.keys(sa).sort()).toEqual([...FUNCTION_NAMES].sort());
  for (const name of FUNCTION_NAMES) {
    const codes = ROWS.filter(({ fn }) => fn === name).map(({ code }) => code);
    expect([name, codes.includes('OK'), codes.some((code) => code !== 'OK')]).toEqual([
      name,
      true,
      true,
    ]);
  }
});

test('the page of the documentation lists the table as it is', () => {
  const lines = readFileSync(PAGE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
    .map((line) => line.replace(/\s*\|\s*/g, ' | ').trim());
  expect(lines.slice(1)).toEqual(tableLines());
});
