/** The conformance table of CLM as a whole, how it is run, and how its page shows it. */
import { type SaAisErrorT, saAisErrorName } from '@aisexec/ais';
import { adminRows } from './conformance-admin.fixture.ts';
import { lifeCycleRows } from './conformance-life-cycle.fixture.ts';
import { responseRows, stepRows } from './conformance-steps.fixture.ts';
import { trackingEndRows, trackingRows } from './conformance-tracking.fixture.ts';
import { type Row, World, type WorldOptions } from './conformance-world.fixture.ts';

export const conformanceRows: readonly Row[] = [
  ...lifeCycleRows,
  ...trackingRows,
  ...stepRows,
  ...trackingEndRows,
  ...responseRows,
  ...adminRows,
];

/** Runs one row in a world of its own. @returns what is to be compared with `expect`. */
export async function runRow(row: Row, options: WorldOptions): Promise<string> {
  const world = new World(options);
  try {
    const seen = await row.run(world);
    return typeof seen === 'string' ? seen : codeName(seen);
  } finally {
    await world.reset();
  }
}

function codeName(code: SaAisErrorT): string {
  return saAisErrorName(code).replace(/^SA_AIS_(ERR_)?/, '');
}

/** The row as the page has it. */
export function rowText({ fn, generation, cause, expect, inProcessOnly }: Row): string {
  const where = inProcessOnly === true ? 'in process' : 'in process, daemons';
  return `| ${generation} | \`${fn}\` | ${cause} | ${expect} | ${where} |`;
}
