import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

const PROGRAM = fileURLToPath(new URL('../chaos/cuts.mjs', import.meta.url));

interface Books {
  readonly cuts: number;
  readonly resumed: number;
  readonly published: number;
  readonly created: number;
  readonly turns: readonly [number, number];
  readonly violations: readonly string[];
}

/** Runs the program to its end. Two executives in processes of their own; the relay is in the program's. */
function cuts(...options: string[]): Promise<{ readonly code: number; readonly books: Books }> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [PROGRAM, ...options], (error, out, err) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) reject(error ?? new Error(`no books: ${out}${err}`));
      else resolve({ code: child.exitCode ?? -1, books: JSON.parse(last) as Books });
    });
  });
}

test(
  'sessions whose connections are cut at random bytes lose nothing, repeat nothing and keep their locks',
  async () => {
    const { code, books } = await cuts('--cuts', '200');
    expect(books.violations).toEqual([]);
    expect(code).toBe(0);
    expect(books.cuts).toBeGreaterThanOrEqual(200);
    expect(books.resumed).toBeGreaterThan(0);
    expect(Math.min(books.published, books.created, ...books.turns)).toBeGreaterThan(0);
  },
  TEST_TIMEOUT_MS,
);

test(
  'the same books notice it when nothing is resumed',
  async () => {
    const { code, books } = await cuts('--cuts', '200', '--grace', '0');
    expect(code).toBe(1);
    expect(books.violations).not.toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
