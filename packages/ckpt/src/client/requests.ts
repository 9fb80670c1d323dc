/**
 * The requests that both layers make, above all how what is larger than one message is cut: the
 * executive takes and answers at most {@link REQUEST_BYTES_MAX} of data at a time. Each piece is applied
 * as a whole; between two pieces of one element another client may read or write (README, "What it does
 * not promise"). The caller's buffers must stay untouched until the promise resolves.
 */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_OK,
  type SaAisErrorT,
  type SaTimeT,
} from '@aisexec/ais';
import { type AisHandle, insist, type Reply } from '@aisexec/ipc';
import { IO_VECTOR_MAX, REQUEST_BYTES_MAX, REQUEST_ELEMENTS_MAX } from '../limits.ts';
import type {
  LocalRequests,
  OrderedRequests,
  ReadElement,
  ReadResult,
  WriteElement,
} from '../protocol.ts';

type Requests = OrderedRequests & LocalRequests;

export type { Requests };

/** One request; the idiomatic layer retries and bounds it, the literal one does not. */
export type Ask = <K extends keyof Requests>(fn: K, request: Requests[K]) => Promise<Reply>;

export interface Outcome {
  readonly rc: SaAisErrorT;
  /** The element that failed, where one did. */
  readonly erroneousVectorIndex?: number;
}

export interface WriteItem {
  readonly sectionId: string;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface ReadItem {
  readonly sectionId: string;
  readonly offset: number;
  /** null: all from the offset on. */
  readonly size: number | null;
}

/** Writes a vector in order, up to the first element that fails. */
export async function writeVector(
  ask: Ask,
  handle: bigint,
  items: readonly WriteItem[],
): Promise<Outcome> {
  if (items.length > IO_VECTOR_MAX) return { rc: SA_AIS_ERR_INVALID_PARAM };
  for (const { elements, indexes } of batches(items)) {
    const reply = await ask('write', { handle, elements });
    if (reply.rc !== SA_AIS_OK) return failure(reply, indexes);
  }
  return { rc: SA_AIS_OK };
}

/** Replaces a section's content; what does not fit into one message follows as writes. */
export async function overwriteSection(
  ask: Ask,
  handle: bigint,
  sectionId: string,
  data: Uint8Array,
): Promise<Outcome> {
  const first = data.subarray(0, REQUEST_BYTES_MAX);
  const request = { handle, sectionId, data: first, totalBytes: data.length };
  const reply = await ask('overwrite', request);
  return reply.rc === SA_AIS_OK ? writeRest(ask, handle, sectionId, data) : { rc: reply.rc };
}

/** Creates a section; `sectionId` null asks for a generated id. */
export async function createSection(
  ask: Ask,
  handle: bigint,
  sectionId: string | null,
  expirationTime: SaTimeT,
  data: Uint8Array,
): Promise<Outcome & { readonly sectionId?: string }> {
  const first = data.subarray(0, REQUEST_BYTES_MAX);
  const request = { handle, sectionId, expirationTime, data: first, totalBytes: data.length };
  const reply = await ask('sectionCreate', request);
  if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
  const id = String(reply['sectionId']);
  const { rc } = await writeRest(ask, handle, id, data);
  return { rc, sectionId: id };
}

/** Reads a vector; `data` has an entry for every element before the one that failed. */
export async function readVector(
  ask: Ask,
  handle: bigint,
  items: readonly ReadItem[],
): Promise<Outcome & { readonly data: readonly Uint8Array[] }> {
  const data: Uint8Array[] = [];
  if (items.length > IO_VECTOR_MAX) return { rc: SA_AIS_ERR_INVALID_PARAM, data };
  /** Of the element that is being read. */
  let pieces: Uint8Array[] = [];
  let done = 0;
  while (data.length < items.length || items.length === 0) {
    const start = data.length;
    const elements = remaining(items, start, done);
    const reply = await ask('read', { handle, elements });
    const results = (reply['results'] ?? []) as readonly ReadResult[];
    const before = done;
    for (const { data: bytes, available } of results) {
      const size = items[data.length]?.size ?? null;
      const wanted = Math.min(size === null ? available : size - done, available);
      pieces.push(bytes);
      done += bytes.length;
      if (bytes.length < wanted) break;
      data.push(joined(pieces));
      pieces = [];
      done = 0;
    }
    if (reply.rc !== SA_AIS_OK) {
      const indexes = elements.map((_, index) => start + index);
      return { ...failure(reply, indexes), data };
    }
    if (items.length === 0) break;
    // An executive that answers nothing must not be asked for ever.
    if (data.length === start && done === before) return { rc: SA_AIS_ERR_LIBRARY, data };
  }
  return { rc: SA_AIS_OK, data };
}

/** Closes an open for good, whatever became of it: the request is ordered after that of the open. */
export function releaseOpen(ais: AisHandle, handle: bigint): Promise<Reply> {
  return insist(ais, 'close', { handle });
}

/** Section ids are binary strings on the wire. */
export function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}

export function idOf(key: string): Uint8Array {
  return Uint8Array.from(key, (character) => character.charCodeAt(0));
}

interface Batch {
  readonly elements: WriteElement[];
  /** Position of each element in the caller's vector. */
  readonly indexes: number[];
}

function* batches(items: readonly WriteItem[]): Iterable<Batch> {
  let batch: Batch = { elements: [], indexes: [] };
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    for (const element of piecesOf(item, 0)) {
      const full =
        batch.elements.length === REQUEST_ELEMENTS_MAX ||
        bytes + element.data.length > REQUEST_BYTES_MAX;
      if (full) {
        yield batch;
        batch = { elements: [], indexes: [] };
        bytes = 0;
      }
      batch.elements.push(element);
      batch.indexes.push(index);
      bytes += element.data.length;
    }
  }
  yield batch;
}

/** The elements that carry one item from byte `from` on; every piece tells where the whole ends. */
function* piecesOf(item: WriteItem, from: number): Iterable<WriteElement> {
  const { sectionId, offset, data } = item;
  if (from === 0 && data.length <= REQUEST_BYTES_MAX) {
    yield { sectionId, offset, data };
    return;
  }
  const end = offset + data.length;
  for (let at = from; at < data.length; at += REQUEST_BYTES_MAX) {
    yield { sectionId, offset: offset + at, data: data.subarray(at, at + REQUEST_BYTES_MAX), end };
  }
}

async function writeRest(
  ask: Ask,
  handle: bigint,
  sectionId: string,
  data: Uint8Array,
): Promise<Outcome> {
  if (data.length <= REQUEST_BYTES_MAX) return { rc: SA_AIS_OK };
  for (const element of piecesOf({ sectionId, offset: 0, data }, REQUEST_BYTES_MAX)) {
    const { rc } = await ask('write', { handle, elements: [element] });
    if (rc !== SA_AIS_OK) return { rc };
  }
  return { rc: SA_AIS_OK };
}

function remaining(items: readonly ReadItem[], start: number, done: number): ReadElement[] {
  return items.slice(start, start + REQUEST_ELEMENTS_MAX).map((item, index) => {
    const skip = index === 0 ? done : 0;
    const size = item.size === null ? null : item.size - skip;
    return { sectionId: item.sectionId, offset: item.offset + skip, size };
  });
}

function failure(reply: Reply, indexes: readonly number[]): Outcome {
  const at = reply['erroneousVectorIndex'];
  const index = typeof at === 'number' ? indexes[at] : undefined;
  return index === undefined ? { rc: reply.rc } : { rc: reply.rc, erroneousVectorIndex: index };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
