/** One row of the conformance table: a function, a cause, and what must come out of it. */
import { SaAisErrorT } from '@aisexec/ais';
import type { SaLck } from '../client/literal-types.ts';
import { SaLckLockStatusT } from '../protocol.ts';
import type { Case } from './case.fixture.ts';

/** What a row looks at: a function of the literal layer, or a callback. */
export type Subject = keyof SaLck | 'LockWaiterCallback' | 'LockGrantCallback' | 'lifetime';

export interface Outcome {
  readonly rc: SaAisErrorT;
  readonly lockStatus?: SaLckLockStatusT;
}

export interface Row {
  readonly subject: Subject;
  /** `BAD_HANDLE`, `OK GRANTED`, … or words for what is no code. */
  readonly expected: string;
  /** The cause; unique within the subject. */
  readonly when: string;
  /** Takes nodes away: runs once, on a cluster that is then whole again. */
  readonly disturbs: boolean;
  readonly run: (c: Case) => Promise<Outcome | string>;
}

export type Run = Row['run'];

export function row(subject: Subject, expected: string, when: string, run: Run): Row {
  return { subject, expected, when, disturbs: false, run };
}

/** A row that takes nodes away. */
export function faultRow(subject: Subject, expected: string, when: string, run: Run): Row {
  return { subject, expected, when, disturbs: true, run };
}

/** As the table writes it: `TIMEOUT`, `OK NOT_QUEUED`. */
export function outcomeText(outcome: Outcome | string): string {
  if (typeof outcome === 'string') return outcome;
  const code = nameOf(SaAisErrorT, outcome.rc).replace(/^SA_AIS_(ERR_)?/, '');
  if (outcome.lockStatus === undefined) return code;
  return `${code} ${nameOf(SaLckLockStatusT, outcome.lockStatus).replace('SA_LCK_LOCK_', '')}`;
}

/** A result code as {@link outcomeText} writes it, for callbacks. */
export function codeText(rc: unknown): string {
  return outcomeText({ rc: rc as SaAisErrorT });
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}
