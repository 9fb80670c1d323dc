import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PAGE_BYTES } from '../limits.ts';
import {
  createSectionData,
  equalData,
  overwriteData,
  readData,
  type SectionData,
  writeData,
} from './section-data.ts';

const sizes = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: PAGE_BYTES - 3, max: PAGE_BYTES + 3 }),
  fc.integer({ min: 0, max: 3 * PAGE_BYTES }),
);
const operations = fc.array(
  fc.record({ kind: fc.constantFrom('write', 'overwrite'), offset: sizes, size: sizes }),
  { maxLength: 12 },
);

interface Operation {
  readonly kind: string;
  readonly offset: number;
  readonly size: number;
}

function pattern(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => 1 + ((i * 7 + seed * 13) % 255));
}

/** The content as one flat array: what the pages must be indistinguishable from. */
function naive(before: Uint8Array, operation: Operation, data: Uint8Array): Uint8Array {
  if (operation.kind === 'overwrite') return data;
  if (data.length === 0) return before;
  const after = new Uint8Array(Math.max(before.length, operation.offset + data.length));
  after.set(before);
  after.set(data, operation.offset);
  return after;
}

function build(script: readonly Operation[]): { paged: SectionData; flat: Uint8Array } {
  const paged = createSectionData();
  let flat: Uint8Array = new Uint8Array(0);
  for (const [seed, operation] of script.entries()) {
    const data = pattern(operation.size, seed);
    if (operation.kind === 'overwrite') overwriteData(paged, data);
    else writeData(paged, operation.offset, data);
    flat = naive(flat, operation, data);
  }
  return { paged, flat };
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe('section data', () => {
  test('reads back what a flat array would hold, after any writes and overwrites', () => {
    fc.assert(
      fc.property(operations, sizes, sizes, (script, offset, length) => {
        const { paged, flat } = build(script);
        expect(paged.size).toBe(flat.length);
        expect(same(readData(paged, 0, flat.length), flat)).toBe(true);
        expect(same(readData(paged, offset, length), flat.slice(offset, offset + length))).toBe(
          true,
        );
      }),
      { numRuns: 60 },
    );
  });

  test('has a layout that depends on the content alone, spare room included', () => {
    fc.assert(
      fc.property(operations, (script) => {
        const { paged, flat } = build(script);
        const fresh = createSectionData();
        writeData(fresh, 0, flat);
        expect(equalData(paged, fresh)).toBe(true);
        expect(paged.pages.map((page) => page.length)).toEqual(
          fresh.pages.map((page) => page.length),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('keeps no reference to what was written or read', () => {
    const section = createSectionData();
    const source = pattern(100, 1);
    writeData(section, 0, source);
    source.fill(0);
    const read = readData(section, 0, 100);
    read.fill(9);
    expect(readData(section, 0, 100)).toEqual(pattern(100, 1));
  });

  test('copies at most one page when a section grows by small writes', () => {
    const section = createSectionData();
    writeData(section, 0, pattern(4 * PAGE_BYTES, 1));
    const [first, , , fourth] = section.pages;
    writeData(section, section.size, pattern(64, 2));
    expect(section.pages[0]).toBe(first);
    expect(section.pages[3]).toBe(fourth);
    expect(section.pages.length).toBe(5);
  });
});
