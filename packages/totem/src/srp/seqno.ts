/**
 * Arithmetic on 32-bit sequence numbers that wrap around. `a` is before `b` when the way from a up to b is
 * shorter than the way down; the ring keeps all live numbers within 16,384 of each other, where this agrees
 * with Corosync's comparison (totem-wire §3.4) and with plain integers.
 */

/** How far `to` is ahead of `from`: negative when it is behind. */
export function seqDistance(from: number, to: number): number {
  return (to - from) | 0;
}

export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function seqAfter(seq: number, count = 1): number {
  return (seq + count) >>> 0;
}

export function seqMin(a: number, b: number): number {
  return seqLess(a, b) ? a : b;
}

export function seqMax(a: number, b: number): number {
  return seqLess(a, b) ? b : a;
}
