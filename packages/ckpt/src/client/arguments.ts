/**
 * The arguments of the literal layer: a wrong JavaScript type is a TypeError, a null pointer or an
 * impossible value is for the caller to answer INVALID_PARAM.
 */
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import type {
  SaCkptCallbacksT,
  SaCkptIOVectorElementT,
  SaCkptSectionIdT,
} from './literal-types.ts';
import { keyOf, type ReadItem, type WriteItem } from './requests.ts';

const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

/** A handle or an invocation. */
export function expect64(name: string, value: unknown): bigint {
  if (typeof value === 'bigint' && value >= 0n && value <= UINT64_MAX) return value;
  throw new TypeError(`${name} must be a bigint of 64 bits, not ${String(value)}`);
}

export function expectTime(name: string, value: unknown): bigint {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
  throw new TypeError(`${name} must be a bigint of 64 bits (SaTimeT), not ${String(value)}`);
}

export function expectNumber(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} must be a non-negative integer, not ${String(value)}`);
}

export function expectName(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  throw new TypeError('checkpointName must be a string');
}

export function expectBytes(name: string, value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${name} must be a Uint8Array`);
}

export function expectCallbacks(value: unknown): SaCkptCallbacksT {
  if (value === null || value === undefined) return {};
  if (typeof value === 'object') return value;
  throw new TypeError('ckptCallbacks must be an object of functions');
}

export function expectAttributes(value: unknown): SaCkptCheckpointCreationAttributesT | null {
  if (value === null || value === undefined) return null;
  const given = value as SaCkptCheckpointCreationAttributesT;
  return {
    creationFlags: expectNumber('creationFlags', given.creationFlags),
    checkpointSize: expectNumber('checkpointSize', given.checkpointSize),
    retentionDuration: expectTime('retentionDuration', given.retentionDuration),
    maxSections: expectNumber('maxSections', given.maxSections),
    maxSectionSize: expectNumber('maxSectionSize', given.maxSectionSize),
    maxSectionIdSize: expectNumber('maxSectionIdSize', given.maxSectionIdSize),
  };
}

/** The id as the service knows it; undefined for a null pointer and for an id of no bytes. */
export function sectionKey(value: SaCkptSectionIdT | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  const id = expectBytes('sectionId.id', value.id);
  if (id === null) return '';
  return id.length === 0 ? undefined : keyOf(id);
}

/** An element of a write; undefined when it is INVALID_PARAM. */
export function writeItem(element: SaCkptIOVectorElementT): WriteItem | undefined {
  const sectionId = sectionKey(element.sectionId);
  const buffer = expectBytes('dataBuffer', element.dataBuffer);
  const offset = expectNumber('dataOffset', element.dataOffset);
  const size = expectNumber('dataSize', element.dataSize ?? buffer?.length ?? 0);
  const data = buffer ?? new Uint8Array(0);
  if (sectionId === undefined || size > data.length) return undefined;
  return { sectionId, offset, data: size === data.length ? data : data.subarray(0, size) };
}

/** An element of a read; undefined when it is INVALID_PARAM. */
export function readItem(element: SaCkptIOVectorElementT): ReadItem | undefined {
  const sectionId = sectionKey(element.sectionId);
  const buffer = expectBytes('dataBuffer', element.dataBuffer);
  const offset = expectNumber('dataOffset', element.dataOffset);
  if (sectionId === undefined) return undefined;
  if (buffer === null) return { sectionId, offset, size: null };
  const size = expectNumber('dataSize', element.dataSize ?? buffer.length);
  return size > buffer.length ? undefined : { sectionId, offset, size };
}
