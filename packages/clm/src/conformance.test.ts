import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from './cluster.fixture.ts';
import { conformanceRows, rowText, runRow } from './conformance.fixture.ts';
import type { WorldOptions } from './conformance-world.fixture.ts';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A fresh cluster in this process, with the clients on the node `home`. */
function inProcess(home: number): WorldOptions {
  const { cluster, connector } = createClientCluster(3);
  const [other = 0, third = 0] = [1, 2, 3].filter((node) => node !== home);
  return {
    home,
    other,
    third,
    connect: (node, uid) => ({ connector: connector(node, uid) }),
    elapse: (ms) => cluster.advance(ms),
    tick,
  };
}

const titled = conformanceRows.map(
  (row) => [`${row.generation} ${row.fn}: ${row.cause}`, row] as const,
);

describe.each([1, 2, 3])('the table, with the clients on node %i', (home) => {
  test.each(titled)('%s', async (_title, row) => {
    expect(await runRow(row, inProcess(home))).toBe(row.expect);
  });
});

describe('the page of the table', () => {
  const page = readFileSync(
    new URL('../../../docs/reference/conformance-clm.md', import.meta.url),
    'utf8',
  );

  test('lists every row as it is, in the order of the table, and no other', () => {
    const shown = page.split('\n').filter((line) => /^\| (B\.01|B\.04|admin) \|/.test(line));
    expect(shown).toEqual(conformanceRows.map(rowText));
  });

  test('counts them', () => {
    const daemon = conformanceRows.filter(({ inProcessOnly }) => inProcessOnly !== true).length;
    expect(page).toContain(
      `${conformanceRows.length} of ${conformanceRows.length} rows in process`,
    );
    expect(page).toContain(`${daemon} of ${conformanceRows.length} rows on real daemons`);
  });

  test('no row stands twice', () => {
    expect(new Set(titled.map(([title]) => title)).size).toBe(titled.length);
  });
});
