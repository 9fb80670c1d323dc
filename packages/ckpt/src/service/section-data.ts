/**
 * The bytes of one section, in pages (ADR 0081).
 *
 * Every page but the last has {@link PAGE_BYTES}; the capacity of the last one is the next power of two.
 * The layout is a function of the size alone and bytes beyond the size are zero, so replicas that reached
 * one content by different ways (writes here, synchronisation there) are equal bit by bit, spare room
 * included. Appending copies at most one page; what comes in is always copied, so that no message buffer
 * is ever kept.
 */
import { PAGE_BYTES, PAGE_BYTES_MIN } from '../limits.ts';

export interface SectionData {
  size: number;
  pages: Uint8Array[];
}

export function createSectionData(): SectionData {
  return { size: 0, pages: [] };
}

/** Write at an offset; extends the data, with zeros in a gap. */
export function writeData(section: SectionData, offset: number, bytes: Uint8Array): void {
  const end = offset + bytes.length;
  if (bytes.length > 0 && end > section.size) extend(section, end);
  let taken = 0;
  while (taken < bytes.length) {
    const at = offset + taken;
    const start = at % PAGE_BYTES;
    const length = Math.min(PAGE_BYTES - start, bytes.length - taken);
    const whole = taken === 0 && length === bytes.length;
    pageOf(section, at).set(whole ? bytes : bytes.subarray(taken, taken + length), start);
    taken += length;
  }
}

/** Replace the whole content. */
export function overwriteData(section: SectionData, bytes: Uint8Array): void {
  const pages = pageCount(bytes.length);
  if (section.pages.length > pages) section.pages.length = pages;
  const last = section.pages.length - 1;
  const kept = section.pages[last];
  // A page is kept when it has the right capacity already: the common case of equally large contents.
  if (kept !== undefined && kept.length !== pageCapacity(bytes.length, last))
    section.pages.length--;
  section.size = section.pages.length === 0 ? 0 : Math.min(section.size, bytes.length);
  extend(section, bytes.length);
  writeData(section, 0, bytes);
  section.pages[pages - 1]?.fill(0, bytes.length - (pages - 1) * PAGE_BYTES);
}

/** A copy of up to `length` bytes from an offset; short or empty at the end of the section. */
export function readData(section: SectionData, offset: number, length: number): Uint8Array {
  const end = Math.min(section.size, offset + length);
  if (end <= offset) return new Uint8Array(0);
  const bytes = new Uint8Array(end - offset);
  for (let at = offset; at < end; ) {
    const start = at % PAGE_BYTES;
    const take = Math.min(PAGE_BYTES - start, end - at);
    bytes.set(pageOf(section, at).subarray(start, start + take), at - offset);
    at += take;
  }
  return bytes;
}

export function equalData(a: SectionData, b: SectionData): boolean {
  return (
    a.size === b.size &&
    a.pages.every((page, index) => equalBytes(page, b.pages[index] as Uint8Array))
  );
}

function extend(section: SectionData, size: number): void {
  const before = section.pages.length;
  const after = pageCount(size);
  const first = Math.max(0, before - 1);
  for (let index = first; index < after; index++) {
    const capacity = pageCapacity(size, index);
    const page = section.pages[index];
    if (page?.length === capacity) continue;
    const grown = new Uint8Array(capacity);
    if (page !== undefined) grown.set(page);
    section.pages[index] = grown;
  }
  section.size = size;
}

function pageOf(section: SectionData, offset: number): Uint8Array {
  return section.pages[Math.floor(offset / PAGE_BYTES)] as Uint8Array;
}

function pageCount(size: number): number {
  return Math.ceil(size / PAGE_BYTES);
}

function pageCapacity(size: number, index: number): number {
  const rest = size - index * PAGE_BYTES;
  if (rest >= PAGE_BYTES) return PAGE_BYTES;
  let capacity = PAGE_BYTES_MIN;
  while (capacity < rest) capacity *= 2;
  return capacity;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
