import { describe, expect, test } from '@jest/globals';
import { ROWS } from '../../packages/ckpt/src/conformance/rows.fixture.ts';
import { Stage } from '../../packages/ckpt/src/conformance/stage.fixture.ts';
import { codeOf } from '../fixtures/ais-table.ts';
import { TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const CREATOR = 0;
/** Where a row is about time, its passing is the condition. */
const elapse = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('AIS CKPT row by row on three real executives', () => {
  const cluster = useCluster({ nodes: 3 });

  describe.each([0, 1])('the client on node index %i, the creator on 0', (index) => {
    test.each(ROWS.map((row, number) => [row.fn, row.code, row.when, row, number] as const))(
      '%s answers %s: %s',
      async (_fn, code, _when, row, number) => {
        const stage = new Stage({
          node: cluster.nodes[index]!.id,
          near: { socket: cluster.nodes[index]!.socket },
          far: { socket: cluster.nodes[CREATOR]!.socket },
          elapse,
          now: () => BigInt(Date.now()) * 1_000_000n,
          name: `${index}.${number}`,
        });
        try {
          expect(codeOf((await row.run(stage)).rc)).toBe(code);
        } finally {
          await stage.dispose();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
});
