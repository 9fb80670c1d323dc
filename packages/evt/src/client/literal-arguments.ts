/** Wrong JavaScript types are the caller's mistake and throw; AIS conditions never do. */
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

export function expectNumber(name: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  return value;
}

export function expectBytes(name: string, value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`);
  return value;
}

/** The filters as the executive wants them; undefined for a null array. */
export function filtersOf(
  filters: SaEvtEventFilterArrayT | null | undefined,
): Filter[] | undefined {
  return filters?.map(({ filterType, filter }) => ({
    type: filterType,
    pattern: filter === null ? new Uint8Array(0) : expectBytes('filter', filter).slice(),
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
