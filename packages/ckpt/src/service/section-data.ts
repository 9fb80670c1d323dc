/**
 * The bytes of one section, in pages (ADR 0081).
 *
 * Every page but the last has {@link PAGE_BYTES}; the capacity of the last one is the next power of two.
 * The layout is a function of the size alone and bytes beyond the size are zero, so replicas that reached
 * one content by different ways (writes here, synchronisation there) are equal bit by bit, spare room
 * included. Appending copies at most one page; what clients write is always copied, so that no message buffer
 * is ever kept.
 *
 * A page may be absent on this replica for a while: its content is still to come from another member
 * (ADR 0126). Sizes are known, contents are not. A write that covers an absent page whole makes it present;
 * one that covers a part of it is kept only while the content is on its way, to be applied on top.
 */
import { invariant } from '@aisexec/service';
import { PAGE_BYTES, PAGE_BYTES_MIN } from '../limits.ts';

/** A change of a page whose content is on its way. */
interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A page whose content this replica lacks. */
export interface AbsentPage {
  /** Place in the order as of which the content was asked for; null: nobody was asked. */
  readonly asked: bigint | null;
  /** What was written since, in order. */
  readonly patches: Patch[];
}

export type Page = Uint8Array | AbsentPage;

export interface SectionData {
  size: number;
  pages: Page[];
}

const ABSENT: AbsentPage = Object.freeze({ asked: null, patches: [] });

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
    writePage(section, at, whole ? bytes : bytes.subarray(taken, taken + length));
    taken += length;
  }
}

function writePage(section: SectionData, offset: number, bytes: Uint8Array): void {
  const index = Math.floor(offset / PAGE_BYTES);
  const start = offset % PAGE_BYTES;
  const page = section.pages[index]!;
  if (page instanceof Uint8Array) {
    page.set(bytes, start);
    return;
  }
  if (start === 0 && bytes.length === pageBytes(section.size, index)) {
    const written = new Uint8Array(pageCapacity(section.size, index));
    written.set(bytes);
    section.pages[index] = written;
  } else if (page.asked !== null) {
    page.patches.push({ at: start, bytes: bytes.slice() });
  }
}

/** Replace the whole content. */
export function overwriteData(section: SectionData, bytes: Uint8Array): void {
  const pages = pageCount(bytes.length);
  if (section.pages.length > pages) section.pages.length = pages;
  const last = section.pages.length - 1;
  const kept = section.pages[last];
  // A page is kept when it has the right capacity already: the common case of equally large contents.
  if (kept instanceof Uint8Array && kept.length !== pageCapacity(bytes.length, last))
    section.pages.length--;
  section.size = section.pages.length === 0 ? 0 : Math.min(section.size, bytes.length);
  extend(section, bytes.length);
  writeData(section, 0, bytes);
  const end = section.pages[pages - 1];
  if (end instanceof Uint8Array) end.fill(0, bytes.length - (pages - 1) * PAGE_BYTES);
}

/** A copy of up to `length` bytes from an offset; short or empty at the end of the section. */
export function readData(section: SectionData, offset: number, length: number): Uint8Array {
  const end = Math.min(section.size, offset + length);
  if (end <= offset) return new Uint8Array(0);
  const bytes = new Uint8Array(end - offset);
  for (let at = offset; at < end; ) {
    const start = at % PAGE_BYTES;
    const take = Math.min(PAGE_BYTES - start, end - at);
    const page = section.pages[Math.floor(at / PAGE_BYTES)];
    invariant(page instanceof Uint8Array, 'read of an absent page', { at, size: section.size });
    bytes.set(page.subarray(start, start + take), at - offset);
    at += take;
  }
  return bytes;
}

/** Whether this replica has all the bytes of a range. */
export function isPresent(section: SectionData, offset: number, length: number): boolean {
  return absentPages(section, offset, length).length === 0;
}

/** Pages of a range that this replica lacks. */
export function absentPages(section: SectionData, offset: number, length: number): number[] {
  const end = Math.min(section.size, offset + length);
  const absent: number[] = [];
  for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < end; page++) {
    if (!(section.pages[page] instanceof Uint8Array)) absent.push(page);
  }
  return absent;
}

/** Data of which only the size is known. */
export function createAbsentData(size: number): SectionData {
  return { size, pages: Array.from({ length: pageCount(size) }, () => ABSENT) };
}

/** Takes over from data of the same content what is absent here. The pages are shared afterwards. */
export function adoptPages(section: SectionData, from: SectionData): void {
  for (const [index, page] of section.pages.entries()) {
    if (!(page instanceof Uint8Array)) section.pages[index] = from.pages[index] ?? page;
  }
}

/** Bytes of a page that belong to the section. */
export function pageBytes(size: number, index: number): number {
  return Math.max(0, Math.min(PAGE_BYTES, size - index * PAGE_BYTES));
}

/** From now on remembers what is written to an absent page. @returns false when it is present or awaited. */
export function awaitPage(section: SectionData, index: number, asked: bigint): boolean {
  const page = section.pages[index];
  if (page === undefined || page instanceof Uint8Array || page.asked !== null) return false;
  section.pages[index] = { asked, patches: [] };
  return true;
}

/** The content as of `asked` is here, or (undefined) will not come; ignored where nothing of that place is awaited. */
export function settlePage(
  section: SectionData,
  index: number,
  asked: bigint,
  content: Uint8Array | undefined,
): void {
  const page = section.pages[index];
  if (page === undefined || page instanceof Uint8Array || page.asked !== asked) return;
  if (content === undefined) {
    section.pages[index] = ABSENT;
    return;
  }
  const capacity = pageCapacity(section.size, index);
  const filled = content.length === capacity ? content : new Uint8Array(capacity);
  if (filled !== content) filled.set(content.subarray(0, capacity));
  for (const { at, bytes } of page.patches) filled.set(bytes, at);
  section.pages[index] = filled;
}

function extend(section: SectionData, size: number): void {
  const before = section.pages.length;
  const after = pageCount(size);
  const first = Math.max(0, before - 1);
  for (let index = first; index < after; index++) {
    const capacity = pageCapacity(size, index);
    const page = section.pages[index];
    if (page !== undefined && !(page instanceof Uint8Array)) continue;
    if (page?.length === capacity) continue;
    const grown = new Uint8Array(capacity);
    if (page !== undefined) grown.set(page);
    section.pages[index] = grown;
  }
  section.size = size;
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
