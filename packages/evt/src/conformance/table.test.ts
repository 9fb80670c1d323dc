import { describe, expect, test } from '@jest/globals';
import { codeOf, testTable } from '../../../../test/fixtures/ais-table.ts';
import * as sa from '../client/sa-evt.ts';
import { createWorld } from '../cluster.fixture.ts';
import { FUNCTION_NAMES, LINES, ROWS } from './rows.fixture.ts';
import { Stage } from './stage.fixture.ts';

const CREATOR = 1;

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
  );
});

testTable({
  functions: sa,
  functionNames: FUNCTION_NAMES,
  rows: ROWS,
  lines: LINES,
  page: new URL('../../../../docs/reference/conformance-evt.md', import.meta.url),
});
