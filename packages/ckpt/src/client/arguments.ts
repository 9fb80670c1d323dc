/**
 * The structures that are arguments of the literal layer: a wrong JavaScript type is a TypeError, a null
 * pointer or an impossible value is for the caller to answer INVALID_PARAM.
 */
import { expectBytes, expectCount, expectTime } from '@aisexec/ipc';
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import type { SaCkptIOVectorElementT, SaCkptSectionIdT } from './literal-types.ts';
import { keyOf, type ReadItem, type WriteItem } from './requests.ts';

export function expectAttributes(value: unknown): SaCkptCheckpointCreationAttributesT | null {
  if (value === null || value === undefined) return null;
  const given = value as SaCkptCheckpointCreationAttributesT;
  return {
    creationFlags: expectCount('creationFlags', given.creationFlags),
    checkpointSize: expectCount('checkpointSize', given.checkpointSize),
    retentionDuration: expectTime('retentionDuration', given.retentionDuration),
    maxSections: expectCount('maxSections', given.maxSections),
    maxSectionSize: expectCount('maxSectionSize', given.maxSectionSize),
    maxSectionIdSize: expectCount('maxSectionIdSize', given.maxSectionIdSize),
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
  const offset = expectCount('dataOffset', element.dataOffset);
  const size = expectCount('dataSize', element.dataSize ?? buffer?.length ?? 0);
  const data = buffer ?? new Uint8Array(0);
  if (sectionId === undefined || size > data.length) return undefined;
  return { sectionId, offset, data: size === data.length ? data : data.subarray(0, size) };
}

/** An element of a read; undefined when it is INVALID_PARAM. */
export function readItem(element: SaCkptIOVectorElementT): ReadItem | undefined {
  const sectionId = sectionKey(element.sectionId);
  const buffer = expectBytes('dataBuffer', element.dataBuffer);
  const offset = expectCount('dataOffset', element.dataOffset);
  if (sectionId === undefined) return undefined;
  if (buffer === null) return { sectionId, offset, size: null };
  const size = expectCount('dataSize', element.dataSize ?? buffer.length);
  return size > buffer.length ? undefined : { sectionId, offset, size };
}
