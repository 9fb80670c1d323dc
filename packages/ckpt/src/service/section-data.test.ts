import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PAGE_BYTES } from '../limits.ts';
import {
  awaitPage,
  createAbsentData,
  createSectionData,
  isPresent,
  overwriteData,
  pageBytes,
  readData,
  type SectionData,
  settlePage,
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

/** Equal to the last byte of spare room. */
function expectSame(a: SectionData, b: SectionData): void {
  expect(a.size).toBe(b.size);
  expect(a.pages.length).toBe(b.pages.length);
  for (const [index, page] of a.pages.entries()) {
    expect(same(page as Uint8Array, b.pages[index] as Uint8Array)).toBe(true);
  }
}

const change = fc.record({
  kind: fc.constantFrom('write', 'overwrite', 'ask', 'answer', 'refuse'),
  offset: sizes,
  size: sizes,
});

describe('absent pages', () => {
  test('end up as they are elsewhere, whatever is written before, while and after they come', () => {
    fc.assert(
      fc.property(sizes, fc.array(change, { maxLength: 30 }), (size, script) => {
        const here = createSectionData();
        writeData(here, 0, pattern(size, 7));
        const there = createAbsentData(size);
        const onTheWay = new Map<bigint, { index: number; content: Uint8Array | undefined }>();
        let asked = 1n;
        const ask = (index: number) => {
          if (!awaitPage(there, index, asked)) return;
          const content = readData(here, index * PAGE_BYTES, pageBytes(here.size, index));
          onTheWay.set(asked++, { index, content });
        };
        const answer = (isGiven: boolean) => {
          for (const [place, { index, content }] of onTheWay) {
            onTheWay.delete(place);
            settlePage(there, index, place, isGiven ? content : undefined);
            return;
          }
        };
        for (const [step, { kind, offset, size: length }] of script.entries()) {
          if (kind === 'ask') ask(Math.floor(offset / PAGE_BYTES));
          else if (kind === 'answer' || kind === 'refuse') answer(kind === 'answer');
          else if (kind === 'overwrite') {
            for (const data of [here, there]) overwriteData(data, pattern(length, step));
          } else for (const data of [here, there]) writeData(data, offset, pattern(length, step));
          expect(there.size).toBe(here.size);
        }
        while (onTheWay.size > 0) answer(true);
        for (const index of there.pages.keys()) ask(index);
        while (onTheWay.size > 0) answer(true);
        expect(isPresent(there, 0, there.size)).toBe(true);
        expectSame(there, here);
      }),
      { numRuns: 120 },
    );
  });

  test('are known to be absent, page by page', () => {
    const data = createAbsentData(2 * PAGE_BYTES + 10);
    expect(isPresent(data, 0, 1)).toBe(false);
    writeData(data, PAGE_BYTES, pattern(PAGE_BYTES, 1));
    expect(isPresent(data, PAGE_BYTES, PAGE_BYTES)).toBe(true);
    expect(isPresent(data, PAGE_BYTES, PAGE_BYTES + 1)).toBe(false);
    expect(isPresent(data, 5 * PAGE_BYTES, 10)).toBe(true);
    expect(() => readData(data, 0, 10)).toThrow('absent page');
  });
});

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
        expectSame(paged, fresh);
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
