import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as sa from '../client/sa-evt.ts';
import { createWorld } from '../cluster.fixture.ts';
import { FUNCTION_NAMES, ROWS, tableLines } from './rows.fixture.ts';
import { codeOf, Stage } from './stage.fixture.ts';

const PAGE = new URL('../../../../docs/reference/conformance-evt.md', import.meta.url);
const CREATOR = 1;
/** A bound on hanging: some rows fill something up. */
const ROW_MS_MAX = 60_000;

describe.each([1, 2, 3])('a client of node %i of three, the creator on node 1', (node) => {
  test.each(ROWS.map((row) => [row.fn, row.code, row.when, row] as const))(
    '%s answers %s: %s',
    async (_fn, code, _when, row) => {
      const world = createWorld(3);
      const stage = new Stage({
        node,
        near: { connector: world.connector(node) },
        far: { connector: world.connector(CREATOR) },
        elapse: async (ms) => world.cluster.advance(ms),
        name: 'row',
      });
      expect(codeOf((await row.run(stage)).rc)).toBe(code);
    },
    ROW_MS_MAX,
  );
});

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
