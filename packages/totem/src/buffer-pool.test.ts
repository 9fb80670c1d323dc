import { describe, expect, test } from '@jest/globals';

import { BufferPool, POOLED_BYTES_MIN } from './buffer-pool.ts';

const BYTES = 1_048_576;

describe('a pool of buffers', () => {
  test('gives a returned buffer to the next packet of that size, at the length it asks for', () => {
    const pool = new BufferPool(BYTES);
    const first = pool.take(1000);
    pool.give(first);
    const second = pool.take(700);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(700);
    expect(pool.made).toBe(1);
  });

  test.each([1, 255, 256, 257, 1427, 2048, 2049, 65_507])(
    'a packet of %i bytes fits, in less than twice its size or the smallest',
    (length) => {
      const packet = new BufferPool(BYTES).take(length);
      expect(packet).toHaveLength(length);
      expect(packet.buffer.byteLength).toBeLessThan(Math.max(POOLED_BYTES_MIN + 1, 2 * length));
    },
  );

  test('a small packet does not take the buffer of a large one', () => {
    const pool = new BufferPool(BYTES);
    pool.give(pool.take(16_000));
    expect(pool.take(60).buffer.byteLength).toBe(POOLED_BYTES_MIN);
    expect(pool.bytesFree).toBe(16_384);
  });

  test('a copy does not follow the bytes it was made of', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const copy = new BufferPool(BYTES).copy(bytes);
    bytes.fill(9);
    expect([...copy]).toEqual([1, 2, 3]);
  });

  test('keeps no more than its bound', () => {
    const pool = new BufferPool(BYTES);
    const taken = Array.from({ length: BYTES / 65_536 + 5 }, () => pool.take(65_000));
    for (const packet of taken) pool.give(packet);
    expect(pool.bytesFree).toBe(BYTES);
  });
});
