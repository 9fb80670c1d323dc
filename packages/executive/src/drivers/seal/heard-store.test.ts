import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { groupKey } from '../../key-file.ts';
import { openHeardStore } from './heard-store.ts';
import { createOpener } from './opener.ts';
import { createSealer } from './sealer.ts';

const GCM = 'aes-256-gcm';
const [KEY, OTHER] = [7, 8].map((id) => groupKey(id, new Uint8Array(32).fill(id)));

let directory: string;
let failures: string[];
let due: (() => void)[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-heard-'));
  failures = [];
  due = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => join(directory, 'heard_1');

function open() {
  return openHeardStore({
    directory,
    nodeId: 1,
    failed: (message) => failures.push(message),
    later(store) {
      due.push(store);
      return () => due.splice(due.indexOf(store), 1);
    },
  });
}

describe('the epochs heard of others', () => {
  test('are there after a restart, all of a moment in one write', () => {
    const store = open();
    store.heard('00000000000000aa', 2, 0xffff_ffff_ffff_ffffn);
    store.heard('00000000000000aa', 3, 5n);
    store.heard('00000000000000aa', 3, 6n);
    store.heard('00000000000000bb', 3, 1n);
    expect(due).toHaveLength(1);
    due.pop()?.();
    const after = open();
    expect(after.epochOf('00000000000000aa', 2)).toBe(0xffff_ffff_ffff_ffffn);
    expect(after.epochOf('00000000000000aa', 3)).toBe(6n);
    expect(after.epochOf('00000000000000bb', 3)).toBe(1n);
    expect(after.epochOf('00000000000000bb', 2)).toBe(0n);
    expect(failures).toEqual([]);
  });

  test('are written at once by a node that ends, and not when nothing is new', () => {
    const store = open();
    store.heard('00000000000000aa', 2, 9n);
    store.close();
    expect(due).toEqual([]);
    const written = readFileSync(file());
    rmSync(file());
    store.close();
    expect(() => readFileSync(file())).toThrow('ENOENT');
    writeFileSync(file(), written);
    expect(open().epochOf('00000000000000aa', 2)).toBe(9n);
  });

  test('go with their key', () => {
    const store = open();
    store.heard('00000000000000aa', 2, 9n);
    store.heard('00000000000000bb', 2, 4n);
    store.retain(['00000000000000bb']);
    store.close();
    expect(open().epochOf('00000000000000aa', 2)).toBe(0n);
    expect(open().epochOf('00000000000000bb', 2)).toBe(4n);
  });

  test.each([
    ['noise', 'noise'],
    ['half a file', '{"version":1,"node":1,"heard":{"00000000000000aa":{"2":"00'],
    ['another node’s', '{"version":1,"node":2,"heard":{}}'],
    ['no epoch', '{"version":1,"node":1,"heard":{"00000000000000aa":{"2":"ffffffffffffffffff"}}}'],
  ])('%s is told and counts as nothing heard', (_, text) => {
    writeFileSync(file(), text);
    const store = open();
    expect(failures).toEqual([expect.stringContaining("heard_1 is damaged or another node's")]);
    expect(store.epochOf('00000000000000aa', 2)).toBe(0n);
    store.heard('00000000000000aa', 2, 9n);
    store.close();
    expect(open().epochOf('00000000000000aa', 2)).toBe(9n);
  });

  test('that cannot be written are told, and known as long as the node lives', () => {
    const store = open();
    mkdirSync(`${file()}.next`);
    store.heard('00000000000000aa', 2, 9n);
    due.pop()?.();
    expect(failures).toEqual([expect.stringContaining('the epochs of the others')]);
    expect(store.epochOf('00000000000000aa', 2)).toBe(9n);
  });
});

describe('an opener that remembers', () => {
  const sealed = (epoch: bigint, key = KEY!) => {
    const epochs = { next: () => epoch };
    const sealer = createSealer({ nodeId: 3, cipher: GCM, key, epochs });
    return Uint8Array.from(sealer.seal(Uint8Array.of(1, 2, 3)));
  };
  const start = (keys = [KEY!]) => {
    const heard = open();
    const opener = createOpener({ cipher: GCM, nodeIds: [2, 3], heard });
    opener.accept(keys);
    return { heard, opener };
  };

  test('refuses after a restart what was recorded before its sender’s last start', () => {
    const [recorded, current, next] = [5n, 6n, 7n].map((start) => sealed(start << 32n));
    const before = start();
    expect(typeof before.opener.open(recorded!, 3)).toBe('object');
    expect(typeof before.opener.open(current!, 3)).toBe('object');
    before.heard.close();
    const after = start();
    expect(after.opener.open(recorded!, 3)).toBe('old-epoch');
    expect(typeof after.opener.open(next!, 3)).toBe('object');
    expect(after.opener.open(current!, 3)).toBe('old-epoch');
  });

  test('goes on with a sender that did not start anew', () => {
    const current = sealed(6n << 32n);
    const before = start();
    before.opener.open(current, 3);
    before.heard.close();
    const after = start();
    expect(typeof after.opener.open(current, 3)).toBe('object');
    expect(after.opener.open(current, 3)).toBe('replay');
  });

  test('remembers nothing that does not authenticate, and nothing of a key that was dropped', () => {
    const { heard, opener } = start([KEY!, OTHER!]);
    const forged = sealed(9n << 32n);
    forged[30]! ^= 1;
    expect(opener.open(forged, 3)).toBe('wrong-key');
    expect(heard.epochOf(KEY!.fingerprint, 3)).toBe(0n);
    expect(typeof opener.open(sealed(9n << 32n), 3)).toBe('object');
    opener.accept([OTHER!]);
    expect(heard.epochOf(KEY!.fingerprint, 3)).toBe(0n);
  });
});
