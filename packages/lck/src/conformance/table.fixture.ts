/** The whole table, in the order of the reference page, and what the standard knows but this API cannot say. */

import type { Row } from './row.fixture.ts';
import { FAULT_ROWS } from './rows-fault.fixture.ts';
import { LIFE_CYCLE_ROWS } from './rows-life-cycle.fixture.ts';
import { LOCK_ROWS } from './rows-lock.fixture.ts';
import { REMOVAL_ROWS } from './rows-removal.fixture.ts';
import { RESOURCE_ROWS } from './rows-resource.fixture.ts';

export const TABLE: readonly Row[] = [
  ...LIFE_CYCLE_ROWS,
  ...RESOURCE_ROWS,
  ...LOCK_ROWS,
  ...FAULT_ROWS,
  ...REMOVAL_ROWS,
];

/** As on the reference page: subject, cause, expected, where it is tested. */
export function tableLines(): string[][] {
  return TABLE.map((row) => [
    row.subject,
    row.when,
    row.expected,
    row.disturbs ? 'passes, with faults' : 'passes',
  ]).sort(bySubject);
}

function bySubject([a = '']: string[], [b = '']: string[]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
