import { describe, expect, test } from '@jest/globals';
import { ROWS } from '../../packages/tmr/src/conformance/rows.fixture.ts';
import { Stage } from '../../packages/tmr/src/conformance/stage.fixture.ts';
import { codeOf } from '../fixtures/ais-table.ts';
import { TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

/** Where a row is about time, its passing is the condition. */
const elapse = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('AIS TMR row by row on a real executive', () => {
  const cluster = useCluster({ nodes: 1 });

  test.each(ROWS.map((row) => [row.fn, row.code, row.when, row] as const))(
    '%s answers %s: %s',
    async (_fn, code, _when, row) => {
      const stage = new Stage({ connect: { socket: cluster.nodes[0]!.socket }, elapse });
      try {
        expect(codeOf((await row.run(stage)).rc)).toBe(code);
      } finally {
        await stage.dispose();
      }
    },
    TEST_TIMEOUT_MS,
  );
});
