/**
 * Filters against patterns (AIS B.2 rule 1). Bytes with explicit lengths: patterns may contain NUL. The
 * n-th filter looks at the n-th pattern; a filter beyond the last pattern looks at the empty one.
 * openais ignored those and compared up to the first NUL (AIS D.1 row 9).
 */
import {
  type Filter,
  SA_EVT_EXACT_FILTER,
  SA_EVT_PASS_ALL_FILTER,
  SA_EVT_SUFFIX_FILTER,
} from '../protocol.ts';

/** Whether an event with these patterns passes these filters. No filters pass everything. */
export function matches(filters: readonly Filter[], patterns: readonly Uint8Array[]): boolean {
  for (let i = 0; i < filters.length; i++) {
    if (!passes(filters[i]!, patterns[i] ?? EMPTY)) return false;
  }
  return true;
}

const EMPTY = new Uint8Array(0);

function passes(filter: Filter, pattern: Uint8Array): boolean {
  if (filter.type === SA_EVT_PASS_ALL_FILTER) return true;
  const wanted = filter.pattern;
  const spare = pattern.length - wanted.length;
  if (spare < 0 || (spare > 0 && filter.type === SA_EVT_EXACT_FILTER)) return false;
  const offset = filter.type === SA_EVT_SUFFIX_FILTER ? spare : 0;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] !== pattern[offset + i]) return false;
  }
  return true;
}
