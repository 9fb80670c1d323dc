/** The conformance table of TMR: all rows, what is never answered, and the page that lists them. */
import { type Elsewhere, linesOf } from '../../../../test/fixtures/ais-table.ts';
import type { SaTmr } from '../client/literal-types.ts';
import { lifeCycleRows } from './life-cycle.fixture.ts';
import type { Row } from './stage.fixture.ts';
import { timersRows } from './timers.fixture.ts';

/** In the order of AIS B.7. */
const FUNCTIONS = [
  'saTmrInitialize',
  'saTmrSelectionObjectGet',
  'saTmrDispatch',
  'saTmrFinalize',
  'saTmrTimerStart',
  'saTmrTimerReschedule',
  'saTmrTimerCancel',
  'saTmrPeriodicTimerSkip',
  'saTmrTimerRemainingTimeGet',
  'saTmrTimerAttributesGet',
  'saTmrTimeGet',
  'saTmrClockTickGet',
] as const satisfies readonly (keyof SaTmr)[];

const place = (row: Row): number => (FUNCTIONS as readonly string[]).indexOf(row.fn);

export const ROWS: readonly Row[] = [...lifeCycleRows, ...timersRows].sort(
  (a, b) => place(a) - place(b),
);

export const FUNCTION_NAMES: readonly string[] = FUNCTIONS;

/** Codes of the standard that no row answers, and why. */
const ELSEWHERE: readonly Elsewhere[] = [
  ['all', 'LIBRARY', 'the executive ends before it answers', 'tested in `@aisexec/ipc`'],
  ['all', 'NO_MEMORY', 'no memory', 'never answered: Node.js ends the process'],
  [
    'all',
    'TRY_AGAIN',
    'the cluster is synchronising, or has no quorum',
    'never answered: timers belong to the node',
  ],
  ['all', 'UNAVAILABLE', 'the node is no member', 'never answered: timers belong to the node'],
  [
    'all',
    'INVALID_PARAM',
    'a pointer to an out-parameter is null',
    'never answered: results are returned',
  ],
];

/** Lines of the page's table. */
export const LINES = linesOf(ROWS, ELSEWHERE);
