/** The arguments of the literal layer that are EVT's own: patterns, filters and limits. */
import { expectBytes } from '@aisexec/ipc';
import {
  type Filter,
  type LimitsReply,
  SA_EVT_MAX_EVT_SIZE_ID,
  SA_EVT_MAX_NUM_CHANNELS_ID,
  SA_EVT_MAX_NUM_PATTERNS_ID,
  SA_EVT_MAX_PATTERN_SIZE_ID,
  SA_EVT_MAX_RETENTION_DURATION_ID,
} from '../protocol.ts';
import type { SaEvtEventFilterArrayT } from './literal-types.ts';

/** A copy of a pattern; TypeError for a null pointer, too: an empty pattern is one of no bytes. */
export function expectPattern(name: string, value: unknown): Uint8Array {
  const bytes = expectBytes(name, value);
  if (bytes === null) throw new TypeError(`${name} must be a Uint8Array`);
  return bytes.slice();
}

/** The filters as the executive wants them; undefined for a null array. */
export function filtersOf(
  filters: SaEvtEventFilterArrayT | null | undefined,
): Filter[] | undefined {
  return filters?.map(({ filterType, filter }) => ({
    type: filterType,
    pattern: filter === null ? new Uint8Array(0) : expectPattern('filter', filter),
  }));
}

/** Which part of the limits reply a limit id asks for. */
export function limitName(limitId: number): keyof LimitsReply | undefined {
  return LIMITS.get(limitId);
}

const LIMITS: ReadonlyMap<number, keyof LimitsReply> = new Map([
  [SA_EVT_MAX_NUM_CHANNELS_ID, 'channels'],
  [SA_EVT_MAX_EVT_SIZE_ID, 'eventBytes'],
  [SA_EVT_MAX_PATTERN_SIZE_ID, 'patternBytes'],
  [SA_EVT_MAX_NUM_PATTERNS_ID, 'patterns'],
  [SA_EVT_MAX_RETENTION_DURATION_ID, 'retention'],
]);
