/** Every decoder survives a few thousand inputs of one seed; and the fuzzer notices what it is there for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';

const FUZZ = fileURLToPath(new URL('./fuzz.mjs', import.meta.url));
const INPUTS = 3000;
const RUN_MS_MAX = 120_000;
const scratch = mkdtempSync(join(tmpdir(), 'aisexec-fuzz-test-'));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function fuzz(...args: readonly string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync(process.execPath, [FUZZ, ...args], { encoding: 'utf8' });
  return { status, stdout };
}

test(
  'no decoder of bytes from outside throws, takes long or keeps memory',
  () => {
    const { status, stdout } = fuzz('--inputs', String(INPUTS));
    expect(stdout).toMatch(/\n\d+ decoders, 0 failed\n$/);
    expect(status).toBe(0);
  },
  RUN_MS_MAX,
);

describe('a decoder that breaks a rule is found:', () => {
  test.each([
    ['planted-throw', 'planted'],
    ['planted-slow', 'at most 5'],
    ['planted-growth', 'the heap grew'],
  ])(
    '%s',
    (decoder, text) => {
      const inputs = ['--inputs', '20000', '--corpus', scratch];
      const { status, stdout } = fuzz('--decoder', decoder, ...inputs);
      expect(status).toBe(1);
      expect(stdout).toContain(text);
      expect(readdirSync(join(scratch, decoder))).toHaveLength(1);
    },
    RUN_MS_MAX,
  );
});

test('an unknown decoder or a bad count ends with 64', () => {
  expect(fuzz('--decoder', 'nobody').status).toBe(64);
  expect(fuzz('--inputs', 'many').status).toBe(64);
});
