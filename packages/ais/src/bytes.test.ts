import { describe, expect, test } from '@jest/globals';
import { Slabs } from './bytes.ts';
import { SLAB_BYTES, SLAB_PIECE_BYTES_MAX } from './limits.ts';

describe('Slabs', () => {
  test('give each piece to one owner, of its size, and share memory only among small ones', () => {
    const slabs = new Slabs();
    const sizes = [
      1,
      0,
      97,
      SLAB_PIECE_BYTES_MAX,
      SLAB_PIECE_BYTES_MAX + 1,
      SLAB_BYTES,
      100,
      2_000,
    ];
    const pieces = [...sizes, ...sizes, ...sizes].map((size, i) => slabs.take(size).fill(i));
    pieces.forEach((piece, i) => {
      expect(piece).toHaveLength(sizes[i % sizes.length]!);
      expect(piece.every((byte) => byte === i)).toBe(true);
      if (piece.length > SLAB_PIECE_BYTES_MAX) expect(piece.buffer.byteLength).toBe(piece.length);
      else expect(piece.buffer.byteLength).toBe(SLAB_BYTES);
    });
  });

  test.each([[10], [96], [97], [SLAB_PIECE_BYTES_MAX + 1]])('copy %p bytes of many', (length) => {
    const source = Uint8Array.from({ length: length + 20 }, (_, i) => i);
    const copy = new Slabs().copy(source, 7, 7 + length);
    expect([...copy]).toEqual([...source.subarray(7, 7 + length)]);
    source.fill(0);
    expect(copy[1]).toBe(8);
  });
});
