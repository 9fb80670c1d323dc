/** Patterns and filters for people: text where the standard has bytes. */
import {
  type Filter,
  SA_EVT_EXACT_FILTER,
  SA_EVT_PASS_ALL_FILTER,
  SA_EVT_PREFIX_FILTER,
  SA_EVT_SUFFIX_FILTER,
} from '../protocol.ts';

/** Text stands for its UTF-8 bytes. */
export type Pattern = string | Uint8Array;

/** What {@link prefix}, {@link suffix}, {@link exact} and {@link passAll} make. */
export type PatternFilter = Readonly<Filter>;

/** A filter, or a pattern that must be met exactly. */
export type FilterLike = PatternFilter | Pattern;

/** The pattern begins with this. */
export function prefix(pattern: Pattern): PatternFilter {
  return { type: SA_EVT_PREFIX_FILTER, pattern: bytesOf(pattern) };
}

/** The pattern ends with this. */
export function suffix(pattern: Pattern): PatternFilter {
  return { type: SA_EVT_SUFFIX_FILTER, pattern: bytesOf(pattern) };
}

/** The pattern is this. */
export function exact(pattern: Pattern): PatternFilter {
  return { type: SA_EVT_EXACT_FILTER, pattern: bytesOf(pattern) };
}

/** Any pattern, or none. */
export function passAll(): PatternFilter {
  return { type: SA_EVT_PASS_ALL_FILTER, pattern: new Uint8Array(0) };
}

/** Bytes of a pattern or of data. @throws TypeError for anything but text and bytes. */
export function bytesOf(value: Pattern): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError('a pattern is a string or a Uint8Array');
}

/** Text of a pattern or of data; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function filterOf(filter: FilterLike): Filter {
  return typeof filter === 'string' || filter instanceof Uint8Array ? exact(filter) : filter;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
