import { expect, test } from '@jest/globals';
import { codeOf, testTable } from '../../../../test/fixtures/ais-table.ts';
import * as sa from '../client/sa-tmr.ts';
import { createWorld } from '../cluster.fixture.ts';
import { FUNCTION_NAMES, LINES, ROWS } from './rows.fixture.ts';
import { Stage } from './stage.fixture.ts';

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

testTable({
  functions: sa,
  functionNames: FUNCTION_NAMES,
  rows: ROWS,
  lines: LINES,
  page: new URL('../../../../docs/reference/conformance-tmr.md', import.meta.url),
});
