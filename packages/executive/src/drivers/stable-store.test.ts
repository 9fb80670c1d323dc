import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StableStoreError } from './durable-file.ts';
import { openStableStore } from './stable-store.ts';
import { lockState, StateInUseError } from './state-lock.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ais-store-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the stable store', () => {
  test('starts from 0 once, and from what was saved ever after', () => {
    const directory = join(root, 'deep', 'state');
    const store = openStableStore(directory, 7);
    expect(store.ringSeq).toBe(0);
    for (const seq of [4, 8, 2 ** 40 + 4]) {
      store.save({ rep: 3, seq });
      expect(openStableStore(directory, 7).ringSeq).toBe(seq);
    }
    expect(openStableStore(directory, 8).ringSeq).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['ringid_7', 'ringid_7.previous']);
  });

  test('a crash between two writes leaves one of the two generations', () => {
    const store = openStableStore(root, 1);
    store.save({ rep: 1, seq: 4 });
    // What a power cut leaves before the rename: a half-written next file beside the current one.
    writeFileSync(join(root, 'ringid_1.next'), 'half');
    expect(openStableStore(root, 1).ringSeq).toBe(4);
    openStableStore(root, 1).save({ rep: 1, seq: 8 });
    expect(openStableStore(root, 1).ringSeq).toBe(8);
  });

  describe('refuses to start, and never takes for 0,', () => {
    const path = () => join(root, 'ringid_1');
    const flip = (at: number) => {
      const bytes = readFileSync(path());
      bytes[at]! ^= 1;
      writeFileSync(path(), bytes);
    };
    test.each<[string, () => void, RegExp]>([
      ['an empty file', () => truncateSync(path(), 0), /has 0 bytes instead of 24/],
      ['a cut file', () => truncateSync(path(), 23), /has 23 bytes instead of 24/],
      ['a longer file', () => writeFileSync(path(), Buffer.alloc(48)), /has 48 bytes/],
      ['a file of zeros', () => writeFileSync(path(), Buffer.alloc(24)), /is not a ring sequence/],
      [
        'a flipped bit of the sequence',
        () => flip(12),
        /wrong checksum.*previous: ring sequence 4/,
      ],
      ['a flipped bit of the checksum', () => flip(20), /wrong checksum/],
      ["Corosync's eight bytes", () => writeFileSync(path(), Buffer.alloc(8)), /has 8 bytes/],
      ['a lost file with its past beside it', () => rmSync(path()), /is gone, while .*previous/],
      [
        'a directory in its place',
        () => {
          rmSync(path());
          mkdirSync(path());
        },
        /cannot read/,
      ],
    ])('%s', (_, damage, expected) => {
      const store = openStableStore(root, 1);
      store.save({ rep: 1, seq: 4 });
      store.save({ rep: 1, seq: 8 });
      damage();
      expect(() => openStableStore(root, 1)).toThrow(StableStoreError);
      expect(() => openStableStore(root, 1)).toThrow(expected);
    });

    test('the file of another node', () => {
      openStableStore(root, 2).save({ rep: 2, seq: 4 });
      writeFileSync(path(), readFileSync(join(root, 'ringid_2')));
      expect(() => openStableStore(root, 1)).toThrow(/belongs to node 2, this is node 1/);
    });
  });

  test('says so when it cannot store, instead of going on', () => {
    const store = openStableStore(join(root, 's'), 1);
    rmSync(join(root, 's'), { recursive: true });
    expect(() => store.save({ rep: 1, seq: 4 })).toThrow(/cannot store the ring sequence/);
  });

  test('a directory that cannot be made is named', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => openStableStore(join(root, 'file', 'x'), 1)).toThrow(/cannot create the state/);
  });
});

describe('the state lock', () => {
  test('is held by one executive per node, and is free after its release', async () => {
    const lock = await lockState(root, 1);
    await expect(lockState(root, 1)).rejects.toThrow(StateInUseError);
    const other = await lockState(root, 2);
    await other.release();
    await lock.release();
    const again = await lockState(root, 1);
    await again.release();
    expect(readdirSync(root)).toEqual([]);
  });
});
