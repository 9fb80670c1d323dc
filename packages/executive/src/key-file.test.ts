import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createKeyFile, formatKey, groupKey, keyName, parseKey, readKeyFile } from './key-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-key-'));
  path = join(directory, 'key');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a key file', () => {
  test('is made for its owner alone, reads back, and is never overwritten', () => {
    const key = createKeyFile(path, 7);
    expect(statSync(path).mode & 0o777).toBe(0o400);
    expect(readKeyFile(path)).toEqual({ ...key, secret: Buffer.from(key.secret) });
    expect(key.secret).toHaveLength(32);
    expect(() => createKeyFile(path)).toThrow(/exists and is not overwritten/);
    expect(readKeyFile(path).fingerprint).toBe(key.fingerprint);
  });

  test('two are never alike, and an id that is not given is one that a key can have', () => {
    const names = Array.from({ length: 50 }, (_, i) => {
      const key = createKeyFile(join(directory, String(i)));
      expect(key.id).toBeGreaterThanOrEqual(1);
      expect(key.id).toBeLessThanOrEqual(255);
      return key.fingerprint;
    });
    expect(new Set(names).size).toBe(50);
  });

  test.each([0o440, 0o404, 0o604, 0o420])('of mode %o is refused with the remedy', (mode) => {
    createKeyFile(path);
    chmodSync(path, mode);
    expect(() => readKeyFile(path)).toThrow(`chmod 0400 ${path}`);
  });

  test('that is missing, a directory or huge is refused by name', () => {
    expect(() => readKeyFile(path)).toThrow(/no such file.*aisctl keygen/);
    writeFileSync(path, 'x'.repeat(5000), { mode: 0o400 });
    expect(() => readKeyFile(path)).toThrow(/5000 bytes are no key file/);
  });

  test.each([
    ['', "does not begin with 'aisexec-key 1'"],
    ['aisexec-key 2\nid 1\n', "does not begin with 'aisexec-key 1'"],
    ['aisexec-key 1\nid x\n', "no line 'id N'"],
    ['aisexec-key 1\nid 1\nsecret !\n', "no line 'secret BASE64'"],
    ['aisexec-key 1\nid 1\nsecret c2hvcnQ=\n', 'a secret has 32 to 1024 bytes, not 5'],
    [`aisexec-key 1\nid 0\nsecret ${'A'.repeat(44)}\n`, 'a key id is 1 to 255, not 0'],
    [`aisexec-key 1\nid 256\nsecret ${'A'.repeat(44)}\n`, 'a key id is 1 to 255, not 256'],
    [`aisexec-key 1\nid 1\nsecret ${'A'.repeat(44)}\nmore\n`, 'more lines than three'],
  ])('with the text %j is no key', (text, why) => {
    writeFileSync(path, text, { mode: 0o400 });
    expect(() => readKeyFile(path)).toThrow(why);
  });
});

test('every key survives its text, comments and blank lines; its name does not tell the secret', () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), secret, (id, bytes) => {
      const key = groupKey(id, bytes);
      const text = `# a key\n\n${formatKey(key)}# end\n`;
      const read = parseKey(text);
      if (typeof read === 'string') throw new Error(read);
      expect([...read.secret]).toEqual([...bytes]);
      expect(keyName(read)).toBe(keyName(key));
      expect(Buffer.from(bytes).toString('hex')).not.toContain(key.fingerprint);
    }),
  );
});

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(typeof parseKey(text)).toBe('string');
    }),
  );
});
