import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { StableStoreError } from './durable-file.ts';
import { openQuorumStore } from './quorum-store.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ais-quorum-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('remembers what was saved, per provider and node', () => {
  const directory = join(root, 'deep');
  const store = openQuorumStore(directory, 'ykd', 7);
  expect(store.saved).toBeUndefined();
  for (const bytes of [Uint8Array.of(), Uint8Array.of(1, 2, 3)]) {
    store.save(bytes);
    expect(openQuorumStore(directory, 'ykd', 7).saved).toEqual(bytes);
  }
  expect(openQuorumStore(directory, 'ykd', 8).saved).toBeUndefined();
  expect(openQuorumStore(directory, 'votequorum', 7).saved).toBeUndefined();
});

const path = () => join(root, 'quorum_ykd_1');
test.each<[string, () => void, RegExp]>([
  ['a cut file', () => truncateSync(path(), 5), /has 5 bytes/],
  ['a lost file with its past beside it', () => rmSync(path()), /is gone, while .*previous/],
  ['rubbish', () => writeFileSync(path(), Buffer.alloc(40)), /is no quorum record/],
  [
    'a flipped bit',
    () => {
      const bytes = readFileSync(path());
      bytes[9]! ^= 1;
      writeFileSync(path(), bytes);
    },
    /wrong checksum/,
  ],
  [
    'the file of another node',
    () => {
      openQuorumStore(root, 'ykd', 2).save(Uint8Array.of(1));
      writeFileSync(path(), readFileSync(join(root, 'quorum_ykd_2')));
    },
    /belongs to node 2/,
  ],
])('refuses %s', (_, damage, expected) => {
  const store = openQuorumStore(root, 'ykd', 1);
  store.save(Uint8Array.of(1, 2, 3));
  store.save(Uint8Array.of(4, 5, 6));
  damage();
  expect(() => openQuorumStore(root, 'ykd', 1)).toThrow(StableStoreError);
  expect(() => openQuorumStore(root, 'ykd', 1)).toThrow(expected);
});
