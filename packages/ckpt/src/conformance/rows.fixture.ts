/** The conformance table of CKPT: all rows, what is never answered, and the page that lists them. */
import { type Elsewhere, linesOf } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkpt } from '../client/literal-types.ts';
import { dataRows } from './data.fixture.ts';
import { endRows } from './end.fixture.ts';
import { lifeCycleRows } from './life-cycle.fixture.ts';
import { openRows } from './open.fixture.ts';
import { removalRows } from './removal.fixture.ts';
import { replicaRows } from './replicas.fixture.ts';
import { sectionRows } from './sections.fixture.ts';
import type { Row } from './stage.fixture.ts';

/** In the order of AIS B.3. */
const FUNCTIONS = [
  'saCkptInitialize',
  'saCkptSelectionObjectGet',
  'saCkptDispatch',
  'saCkptFinalize',
  'saCkptCheckpointOpen',
  'saCkptCheckpointOpenAsync',
  'saCkptCheckpointClose',
  'saCkptCheckpointUnlink',
  'saCkptCheckpointRetentionDurationSet',
  'saCkptActiveReplicaSet',
  'saCkptCheckpointStatusGet',
  'saCkptSectionCreate',
  'saCkptSectionDelete',
  'saCkptSectionIdFree',
  'saCkptSectionExpirationTimeSet',
  'saCkptSectionIterationInitialize',
  'saCkptSectionIterationNext',
  'saCkptSectionIterationFinalize',
  'saCkptCheckpointWrite',
  'saCkptSectionOverwrite',
  'saCkptCheckpointRead',
  'saCkptIOVectorElementDataFree',
  'saCkptCheckpointSynchronize',
  'saCkptCheckpointSynchronizeAsync',
] as const satisfies readonly (keyof SaCkpt)[];

const place = (row: Row): number => (FUNCTIONS as readonly string[]).indexOf(row.fn);

export const ROWS: readonly Row[] = [
  ...lifeCycleRows,
  ...removalRows,
  ...openRows,
  ...endRows,
  ...replicaRows,
  ...sectionRows,
  ...dataRows,
].sort((a, b) => place(a) - place(b));

export const FUNCTION_NAMES: readonly string[] = FUNCTIONS;

/** Codes of the standard that no row answers, and why. */
const ELSEWHERE: readonly Elsewhere[] = [
  ['all', 'LIBRARY', 'the executive ends before it answers', 'tested in `@aisexec/ipc`'],
  ['all', 'NO_MEMORY', 'no memory', 'never answered: Node.js ends the process'],
  [
    'all',
    'INVALID_PARAM',
    'a pointer to an out-parameter is null',
    'never answered: results are returned',
  ],
];

/** Lines of the page's table. */
export const LINES = linesOf(ROWS, ELSEWHERE);
