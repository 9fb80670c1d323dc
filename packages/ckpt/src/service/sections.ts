/**
 * Operations on the sections of one checkpoint (AIS-CKPT B.3 rules 3 to 6): pure functions that change
 * the state and answer a result code. Rights, handles and the active replica were checked by the caller.
 */
import {
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  SA_TIME_END,
  type SaAisErrorT,
  type SaTimeT,
} from '@aisexec/ais';
import {
  IO_ELEMENT_BYTES_MAX,
  SECTION_ID_BYTES_MAX,
  SECTIONS_MAX,
  STORE_BYTES_MAX,
} from '../limits.ts';
import {
  type OrderedRequests,
  SA_CKPT_SECTION_VALID,
  SA_CKPT_SECTIONS_ANY,
  SA_CKPT_SECTIONS_FOREVER,
  SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME,
  SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME,
  type SectionDescription,
  type WriteElement,
} from '../protocol.ts';
import { lowerDue } from './retention.ts';
import { createSectionData, overwriteData, writeData } from './section-data.ts';
import {
  account,
  addSection,
  type Checkpoint,
  type CkptState,
  removeSection,
  type Section,
  seal,
} from './state.ts';
import { nextVersion, type Stamp } from './version.ts';

/** Key of the section that a checkpoint with maxSections 1 consists of. */
export const DEFAULT_SECTION = '';

const GENERATED_RADIX = 36;
/** 36^10 ids are enough for ever and stay a safe integer. */
const GENERATED_DIGITS_MAX = 10;

/** Gives a checkpoint its implicit default section (rule 3). */
export function addDefaultSection(state: CkptState, checkpoint: Checkpoint, at: Stamp): void {
  insert(state, checkpoint, DEFAULT_SECTION, SA_TIME_END, at);
}

export type SectionCreate = Pick<
  OrderedRequests['sectionCreate'],
  'sectionId' | 'expirationTime' | 'data' | 'totalBytes'
>;

/** @returns the code and, when OK, the id: given or generated (rule 4). */
export function createSection(
  state: CkptState,
  checkpoint: Checkpoint,
  request: SectionCreate,
  at: Stamp,
): { readonly rc: SaAisErrorT; readonly sectionId?: string } {
  const { attributes, sections } = checkpoint;
  const size = Math.max(request.totalBytes, request.data.length);
  const given = request.sectionId;
  if (
    given !== null &&
    given !== DEFAULT_SECTION &&
    !isSectionId(given, attributes.maxSectionIdSize)
  ) {
    return { rc: SA_AIS_ERR_INVALID_PARAM };
  }
  if (size > attributes.maxSectionSize || request.expirationTime < 0n) {
    return { rc: SA_AIS_ERR_INVALID_PARAM };
  }
  if (attributes.maxSections === 1) return { rc: SA_AIS_ERR_EXIST };
  if (given === DEFAULT_SECTION) return { rc: SA_AIS_ERR_INVALID_PARAM };
  if (given !== null && sections.has(given)) return { rc: SA_AIS_ERR_EXIST };
  if (sections.size >= attributes.maxSections) return { rc: SA_AIS_ERR_NO_SPACE };
  if (state.sections >= SECTIONS_MAX || !hasRoom(state, size))
    return { rc: SA_AIS_ERR_NO_RESOURCES };
  const sectionId = given ?? generateId(checkpoint);
  if (sectionId === undefined) return { rc: SA_AIS_ERR_NO_SPACE };
  const section = insert(state, checkpoint, sectionId, request.expirationTime, at);
  writeData(section.data, 0, request.data);
  account(state, checkpoint, request.data.length);
  seal(checkpoint, sectionId, section);
  return { rc: SA_AIS_OK, sectionId };
}

export function deleteSection(state: CkptState, checkpoint: Checkpoint, key: string): SaAisErrorT {
  if (key === DEFAULT_SECTION) return SA_AIS_ERR_INVALID_PARAM;
  if (!checkpoint.sections.has(key)) return SA_AIS_ERR_NOT_EXIST;
  removeSection(state, checkpoint, key);
  return SA_AIS_OK;
}

export function setExpiration(
  state: CkptState,
  checkpoint: Checkpoint,
  key: string,
  expirationTime: SaTimeT,
): SaAisErrorT {
  if (key === DEFAULT_SECTION || expirationTime < 0n) return SA_AIS_ERR_INVALID_PARAM;
  const section = checkpoint.sections.get(key);
  if (section === undefined) return SA_AIS_ERR_NOT_EXIST;
  section.expirationTime = expirationTime;
  seal(checkpoint, key, section);
  lowerDue(state, checkpoint, expirationTime);
  return SA_AIS_OK;
}

/** One element of a vector (rule 5): applied whole or not at all. */
export function writeElement(
  state: CkptState,
  checkpoint: Checkpoint,
  element: WriteElement,
  at: Stamp,
): SaAisErrorT {
  const section = checkpoint.sections.get(element.sectionId);
  if (section === undefined) return SA_AIS_ERR_NOT_EXIST;
  const last = element.offset + element.data.length;
  const end = Math.max(last, element.end ?? 0);
  if (end > checkpoint.attributes.maxSectionSize) return SA_AIS_ERR_INVALID_PARAM;
  if (end - element.offset > IO_ELEMENT_BYTES_MAX) return SA_AIS_ERR_NO_RESOURCES;
  const before = section.data.size;
  if (!hasRoom(state, Math.max(0, end - before))) return SA_AIS_ERR_NO_RESOURCES;
  writeData(section.data, element.offset, element.data);
  changed(state, checkpoint, element.sectionId, before, at);
  return SA_AIS_OK;
}

/** Replaces a section's content and size. */
export function overwriteSection(
  state: CkptState,
  checkpoint: Checkpoint,
  request: Pick<OrderedRequests['overwrite'], 'sectionId' | 'data' | 'totalBytes'>,
  at: Stamp,
): SaAisErrorT {
  const size = Math.max(request.totalBytes, request.data.length);
  if (size > checkpoint.attributes.maxSectionSize) return SA_AIS_ERR_INVALID_PARAM;
  const section = checkpoint.sections.get(request.sectionId);
  if (section === undefined) return SA_AIS_ERR_NOT_EXIST;
  const before = section.data.size;
  if (size > IO_ELEMENT_BYTES_MAX) return SA_AIS_ERR_NO_RESOURCES;
  if (!hasRoom(state, Math.max(0, size - before))) return SA_AIS_ERR_NO_RESOURCES;
  overwriteData(section.data, request.data);
  changed(state, checkpoint, request.sectionId, before, at);
  return SA_AIS_OK;
}

/** Replaces a section's content and expiration; creates it when there is none. */
export function putSection(
  state: CkptState,
  checkpoint: Checkpoint,
  request: Pick<OrderedRequests['put'], 'sectionId' | 'expirationTime' | 'data'>,
  at: Stamp,
): { readonly rc: SaAisErrorT; readonly created: boolean } {
  const { sectionId, expirationTime, data } = request;
  const whole = { sectionId, expirationTime, data, totalBytes: data.length };
  const section = checkpoint.sections.get(sectionId);
  if (section === undefined) {
    return { rc: createSection(state, checkpoint, whole, at).rc, created: true };
  }
  if (expirationTime < 0n) return { rc: SA_AIS_ERR_INVALID_PARAM, created: false };
  const rc = overwriteSection(state, checkpoint, whole, at);
  // The default section never ends (rule 3).
  if (rc === SA_AIS_OK && sectionId !== DEFAULT_SECTION) {
    setExpiration(state, checkpoint, sectionId, expirationTime);
  }
  return { rc, created: false };
}

export function describeSection(
  checkpoint: Checkpoint,
  sectionId: string,
): SectionDescription | null {
  const section = checkpoint.sections.get(sectionId);
  if (section === undefined) return null;
  return {
    sectionId,
    expirationTime: section.expirationTime,
    sectionSize: section.data.size,
    sectionState: SA_CKPT_SECTION_VALID,
    lastUpdate: section.lastUpdate,
  };
}

/** Whether an iteration visits a section. No section is ever corrupted here. */
export function isChosen(section: Section, chosen: number, expirationTime: SaTimeT): boolean {
  switch (chosen) {
    case SA_CKPT_SECTIONS_ANY:
      return true;
    case SA_CKPT_SECTIONS_FOREVER:
      return section.expirationTime === SA_TIME_END;
    case SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME:
      return section.expirationTime <= expirationTime;
    case SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME:
      return section.expirationTime >= expirationTime;
    default:
      return false;
  }
}

/** A binary string of 1 to `bytesMax` bytes. */
export function isSectionId(key: string, bytesMax: number): boolean {
  if (key.length === 0 || key.length > Math.min(bytesMax, SECTION_ID_BYTES_MAX)) return false;
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) > 0xff) return false;
  return true;
}

/** Whether `bytes` more may be stored, cluster-wide. */
export function hasRoom(state: CkptState, bytes: number): boolean {
  return state.bytes + bytes <= STORE_BYTES_MAX;
}

/** Books a change of a section's content, which had `before` bytes. */
function changed(
  state: CkptState,
  checkpoint: Checkpoint,
  key: string,
  before: number,
  at: Stamp,
): void {
  const section = checkpoint.sections.get(key)!;
  section.lastUpdate = at.time;
  section.version = nextVersion(section.version, at);
  account(state, checkpoint, section.data.size - before);
  seal(checkpoint, key, section);
}

function insert(
  state: CkptState,
  checkpoint: Checkpoint,
  key: string,
  expirationTime: SaTimeT,
  at: Stamp,
): Section {
  const data = createSectionData();
  const section: Section = {
    serial: checkpoint.nextSerial++,
    data,
    expirationTime,
    lastUpdate: at.time,
    version: nextVersion(0, at),
    mark: 0,
  };
  addSection(state, checkpoint, key, section);
  lowerDue(state, checkpoint, expirationTime);
  return section;
}

/** Counts on, skips what the application chose itself, and starts over when short ids run out. */
function generateId(checkpoint: Checkpoint): string | undefined {
  const digits = Math.min(checkpoint.attributes.maxSectionIdSize, GENERATED_DIGITS_MAX);
  if (digits === 0) return undefined;
  const capacity = GENERATED_RADIX ** digits;
  for (let tries = 0; tries <= checkpoint.sections.size; tries++) {
    const id = checkpoint.generated.toString(GENERATED_RADIX);
    checkpoint.generated = (checkpoint.generated + 1) % capacity;
    if (!checkpoint.sections.has(id)) return id;
  }
  return undefined;
}
