/** Tables of handles for the literal layers, with handles drawn from the system's random source. */
import { randomFillSync } from 'node:crypto';
import { HandleTable } from '@aisexec/ais';

/** Handles drawn at a time: one call of the random source for many opens. */
const DRAW = 16;

/**
 * A table whose handles cannot be guessed and, over all tables of the process, collide with
 * probability 2^-64 each: a handle of another kind is BAD_HANDLE.
 */
export function createHandleTable<Kind extends string, T>(): HandleTable<Kind, T> {
  const pool = new BigUint64Array(DRAW);
  let used = DRAW;
  return new HandleTable<Kind, T>(() => {
    if (used === DRAW) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++] ?? 0n;
  });
}
