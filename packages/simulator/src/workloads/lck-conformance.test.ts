/** The conformance table of LCK over a simulated ring: clients on other nodes than the resource's creator, under delays. */
import { expect, test } from '@jest/globals';
import { Case } from '../../../lck/src/conformance/case.fixture.ts';
import { outcomeText } from '../../../lck/src/conformance/row.fixture.ts';
import { TABLE } from '../../../lck/src/conformance/table.fixture.ts';
import { createSimulatedRing } from './lck-conformance.fixture.ts';

const PLACEMENT = { creator: 1, client: 3 };

test.each(TABLE.map((row, index) => [row.subject, row.when, row.expected, index] as const))(
  '%s: %s: %s',
  async (_subject, _when, expected, index) => {
    const ring = createSimulatedRing(index + 1);
    try {
      await ring.world.rejoin();
      const started = await Case.start(ring.world, PLACEMENT, 'row');
      expect(outcomeText(await TABLE[index]!.run(started))).toBe(expected);
      expect(await started.finish()).toEqual([]);
      const empty = { clients: 0, locks: 0, resources: [] };
      const left = () => ring.nodes.map((node) => ring.host(node).inspect('lck'));
      await ring.until(() => left().every((state) => (state as typeof empty).clients === 0));
      for (const state of left()) expect(state).toMatchObject(empty);
      expect(ring.wrongs).toEqual([]);
    } finally {
      ring.end();
    }
  },
);
