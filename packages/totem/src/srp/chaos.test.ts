/** Extended virtual synchrony under loss, duplication, reordering, partitions, pauses, crashes and restarts. */
import { describe, expect, test } from '@jest/globals';
import { runChaos } from './chaos.fixture.ts';

describe('extended virtual synchrony holds', () => {
  test('over two hundred seeds of disorder', () => {
    let delivered = 0;
    for (let seed = 1; seed <= 200; seed++) delivered += judged(seed, 0);
    expect(delivered).toBeGreaterThan(50_000);
  });

  test('over a hundred seeds in which every ring passes the wrap of its sequence numbers', () => {
    let delivered = 0;
    for (let seed = 1001; seed <= 1100; seed++) delivered += judged(seed, 0xffffffe0);
    expect(delivered).toBeGreaterThan(20_000);
  });
});

function judged(seed: number, initialSeq: number): number {
  try {
    const net = runChaos(seed, { initialSeq });
    return net.lives.reduce((sum, life) => sum + life.log.length, 0);
  } catch (error) {
    throw new Error(`seed ${seed}, initialSeq ${initialSeq}: ${String(error)}`, { cause: error });
  }
}
