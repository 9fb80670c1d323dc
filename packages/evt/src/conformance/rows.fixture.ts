/** The conformance table of EVT: all rows, what is never answered, and the page that lists them. */
import { type Elsewhere, linesOf } from '../../../../test/fixtures/ais-table.ts';
import type { SaEvt } from '../client/literal-types.ts';
import { channelRows } from './channels.fixture.ts';
import { eventRows } from './events.fixture.ts';
import { lifeCycleRows } from './life-cycle.fixture.ts';
import { removalRows } from './removal.fixture.ts';
import type { Row } from './stage.fixture.ts';
import { subscriptionRows } from './subscriptions.fixture.ts';

/** In the order of AIS B.2. */
const FUNCTIONS = [
  'saEvtInitialize',
  'saEvtSelectionObjectGet',
  'saEvtDispatch',
  'saEvtFinalize',
  'saEvtChannelOpen',
  'saEvtChannelOpenAsync',
  'saEvtChannelClose',
  'saEvtChannelUnlink',
  'saEvtEventAllocate',
  'saEvtEventFree',
  'saEvtEventAttributesSet',
  'saEvtEventAttributesGet',
  'saEvtEventPatternFree',
  'saEvtEventDataGet',
  'saEvtEventPublish',
  'saEvtEventSubscribe',
  'saEvtEventUnsubscribe',
  'saEvtEventRetentionTimeClear',
  'saEvtLimitGet',
] as const satisfies readonly (keyof SaEvt)[];

const place = (row: Row): number => (FUNCTIONS as readonly string[]).indexOf(row.fn);

export const ROWS: readonly Row[] = [
  ...lifeCycleRows,
  ...removalRows,
  ...channelRows,
  ...eventRows,
  ...subscriptionRows,
].sort((a, b) => place(a) - place(b));

export const FUNCTION_NAMES: readonly string[] = FUNCTIONS;

/** Codes of the standard that no row answers, and why. */
const ELSEWHERE: readonly Elsewhere[] = [
  ['all', 'LIBRARY', 'the executive ends before it answers', 'tested in `@aisexec/ipc`'],
  ['all', 'NO_MEMORY', 'no memory', 'never answered: Node.js ends the process'],
  ...['saEvtChannelUnlink', 'saEvtEventPublish', 'saEvtEventRetentionTimeClear'].map(
    (fn): Elsewhere => [
      fn,
      'TIMEOUT',
      'a partition was on its way, and this side went on without quorum',
      'tested in `packages/evt/src/service/views.test.ts`',
    ],
  ),
  [
    'saEvtEventAttributesGet',
    'NO_SPACE',
    'an array of the caller is too small',
    'never answered: the arrays are made here',
  ],
  [
    'all',
    'INVALID_PARAM',
    'a pointer to an out-parameter is null',
    'never answered: results are returned',
  ],
];

/** Lines of the page's table. */
export const LINES = linesOf(ROWS, ELSEWHERE);
