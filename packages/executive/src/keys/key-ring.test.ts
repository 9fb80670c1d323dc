import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StableStoreError } from '../drivers/durable-file.ts';
import { type GroupKey, groupKey } from '../key-file.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';

const key = (id: number, fill = id) => groupKey(id, new Uint8Array(32).fill(fill));
const A = key(1);
const B = key(2);
const C = key(3);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-ring-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const file = () => join(directory, 'keys_3');

function open(fromFile: GroupKey, failures: Error[] = []): KeyRing {
  return createKeyRing({
    directory,
    nodeId: 3,
    fromFile,
    changed: () => {},
    storeFailed: (error) => failures.push(error),
  });
}

const ids = ({ sending, other }: KeyRing) => [sending.id, other?.role, other?.key.id];

describe('the keys of a node', () => {
  test('are the same after a restart at every step of a change, whatever the key file has by then', () => {
    open(A);
    expect(ids(open(B))).toEqual([1, 'next', 2]);
    open(A).stage(B, 4);
    expect(open(B).other).toMatchObject({ role: 'next', rotation: 4 });
    open(B).advance();
    expect(ids(open(B))).toEqual([2, 'previous', 1]);
    expect(ids(open(A))).toEqual([2, 'previous', 1]);
    open(B).retire();
    expect(ids(open(B))).toEqual([2, undefined, undefined]);
    expect(ids(open(A))).toEqual([2, undefined, undefined]);
  });

  test('are readable by their owner alone, and a dropped one is nowhere any more', () => {
    const ring = open(A);
    ring.stage(B, 1);
    ring.advance();
    ring.retire();
    expect(statSync(file()).mode & 0o077).toBe(0);
    const secret = Buffer.from(A.secret).toString('base64');
    for (const name of readdirSync(directory)) {
      expect(readFileSync(join(directory, name), 'utf8')).not.toContain(secret);
    }
    expect(ring.stage(A, 2)).toMatch(/was in use before/);
  });

  test('a next one is replaced or forgotten, but not while the change to it goes on', () => {
    const ring = open(A);
    expect(ring.stage(B, 1)).toBeUndefined();
    expect(ring.stage(C, 2)).toBeUndefined();
    ring.unstage();
    expect(ids(open(A))).toEqual([1, undefined, undefined]);
    ring.stage(B, 3);
    ring.advance();
    expect(ring.stage(C, 4)).toMatch(/is not over yet/);
    ring.unstage();
    expect(ids(ring)).toEqual([2, 'previous', 1]);
  });

  test('two of one id are refused, as a next one and in the key file', () => {
    const twin = key(1, 9);
    expect(open(A).stage(twin, 1)).toMatch(/keygen --id/);
    expect(() => open(twin)).toThrow(/two keys of one id/);
  });

  test.each([
    ['cut', () => writeFileSync(file(), readFileSync(file()).subarray(0, 40))],
    ['empty', () => writeFileSync(file(), '')],
    ['of another shape', () => writeFileSync(file(), '{"version":1}')],
    [
      "another node's",
      () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('"node":3', '"node":4')),
    ],
  ])('in a file that is %s are refused with the remedy', (_, damage) => {
    open(A);
    damage();
    expect(() => open(A)).toThrow(StableStoreError);
    expect(() => open(A)).toThrow(/Remove it and this node starts with the key of its key file/);
  });

  test('a next one that cannot be stored is not taken; a change that cannot be stored counts and is told', () => {
    const failures: Error[] = [];
    const ring = open(A, failures);
    ring.stage(B, 1);
    rmSync(directory, { recursive: true });
    expect(ring.stage(C, 2)).toMatch(/cannot store the keys/);
    ring.advance();
    expect(ids(ring)).toEqual([2, 'previous', 1]);
    expect(failures).toHaveLength(1);
  });
});
