import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StableStoreError } from '../durable-file.ts';
import { openEpochStore } from './epoch-store.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-epoch-'));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});
const file = () => join(directory, 'epoch_3');

describe('the epoch', () => {
  test('rises with every start and every use, whatever the clock says', () => {
    let last = 0n;
    for (const year of [2026, 1970, 1999]) {
      jest.spyOn(Date, 'now').mockReturnValue(Date.UTC(year, 0));
      const store = openEpochStore(directory, 3);
      for (let i = 0; i < 3; i++) {
        const epoch = store.next();
        expect(epoch).toBeGreaterThan(last);
        last = epoch;
      }
    }
    expect(last >> 32n).toBe(9n);
  });

  test('is on the disk before it is used', () => {
    const epoch = openEpochStore(directory, 3).next();
    expect(readFileSync(file()).readBigUInt64LE(8)).toBe(epoch);
  });

  test('does not repeat when everything was lost', () => {
    const first = openEpochStore(directory, 3).next();
    rmSync(file());
    const second = openEpochStore(directory, 3).next();
    expect(second >> 32n).toBe(first >> 32n);
    expect(second).not.toBe(first);
  });

  test.each([
    ['cut', () => writeFileSync(file(), readFileSync(file()).subarray(0, 19))],
    ['longer', () => appendFileSync(file(), 'x')],
    ['empty', () => writeFileSync(file(), '')],
    ['of zeros', () => writeFileSync(file(), Buffer.alloc(20))],
    ['altered', () => writeFileSync(file(), readFileSync(file()).fill(1, 8, 9))],
    ['gone, with the generation before still there', () => rmSync(file())],
  ])('that is %s is refused, never taken for the first', (_, damage) => {
    const store = openEpochStore(directory, 3);
    store.next();
    store.next();
    damage();
    expect(() => openEpochStore(directory, 3)).toThrow(StableStoreError);
    expect(() => openEpochStore(directory, 3)).toThrow(/does not start.*key rotate/s);
  });

  test('of another node is refused', () => {
    openEpochStore(directory, 3).next();
    writeFileSync(join(directory, 'epoch_4'), readFileSync(file()));
    expect(() => openEpochStore(directory, 4)).toThrow('belongs to node 3, this is node 4');
  });

  test('that cannot be stored is not used', () => {
    const store = openEpochStore(directory, 3);
    rmSync(directory, { recursive: true });
    expect(() => store.next()).toThrow(/cannot store the epoch/);
    directory = mkdtempSync(join(tmpdir(), 'ais-epoch-'));
  });
});
