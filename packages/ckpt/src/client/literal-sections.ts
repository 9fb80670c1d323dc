/** The functions of the literal layer on sections, their data and iterations over them. */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { expect64, expectBytes, expectCount, expectTime } from '@aisexec/ipc';
import { SA_CKPT_SECTIONS_ANY, SA_CKPT_SECTIONS_FOREVER } from '../protocol.ts';
import { readItem, sectionKey, writeItem } from './arguments.ts';
import type { CkptOpen, CkptTables } from './handles.ts';
import { SectionIteration } from './iteration.ts';
import type {
  SaCkpt,
  SaCkptCheckpointHandleT,
  SaCkptIOVectorElementT,
  SaCkptSectionCreationAttributesT,
} from './literal-types.ts';
import {
  createSection,
  idOf,
  type Outcome,
  overwriteSection,
  readVector,
  writeVector,
} from './requests.ts';

type SectionFunctions = Pick<
  SaCkpt,
  | 'saCkptSectionCreate'
  | 'saCkptSectionDelete'
  | 'saCkptSectionIdFree'
  | 'saCkptSectionExpirationTimeSet'
  | 'saCkptSectionIterationInitialize'
  | 'saCkptSectionIterationNext'
  | 'saCkptSectionIterationFinalize'
  | 'saCkptCheckpointWrite'
  | 'saCkptSectionOverwrite'
  | 'saCkptCheckpointRead'
  | 'saCkptIOVectorElementDataFree'
>;

export function createSectionFunctions(tables: CkptTables): SectionFunctions {
  const findOpen = (checkpointHandle: SaCkptCheckpointHandleT): CkptOpen | undefined =>
    tables.opens.get(expect64('checkpointHandle', checkpointHandle));

  /** The functions that free memory in C: of generation B.02, and for nothing here. */
  const free = (
    checkpointHandle: SaCkptCheckpointHandleT,
    pointer: Uint8Array | null,
  ): { readonly rc: SaAisErrorT } => {
    const open = findOpen(checkpointHandle);
    if (pointer === null) return { rc: SA_AIS_ERR_INVALID_PARAM };
    if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
    const { version, standing } = open.handle.ais;
    return { rc: version.majorVersion < 2 ? SA_AIS_ERR_VERSION : standing };
  };

  return {
    async saCkptSectionCreate(checkpointHandle, attributes, initialData) {
      const open = findOpen(checkpointHandle);
      const data = expectBytes('initialData', initialData) ?? new Uint8Array(0);
      const key = sectionKey(attributes?.sectionId);
      if (key === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const given = attributes as SaCkptSectionCreationAttributesT;
      const expirationTime = expectTime('expirationTime', given.expirationTime);
      const generated = key === '';
      const wanted = generated ? null : key;
      const created = await createSection(open.ask, open.id, wanted, expirationTime, data);
      open.changes++;
      if (created.rc !== SA_AIS_OK || created.sectionId === undefined) return { rc: created.rc };
      const sectionId = { id: idOf(created.sectionId) };
      if (generated) given.sectionId = sectionId;
      return { rc: SA_AIS_OK, sectionId };
    },

    async saCkptSectionDelete(checkpointHandle, sectionId) {
      const open = findOpen(checkpointHandle);
      const key = sectionKey(sectionId);
      if (key === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await open.ask('sectionDelete', { handle: open.id, sectionId: key });
      open.changes++;
      return { rc };
    },

    async saCkptSectionIdFree(checkpointHandle, id) {
      return free(checkpointHandle, expectBytes('id', id));
    },

    async saCkptSectionExpirationTimeSet(checkpointHandle, sectionId, time) {
      const open = findOpen(checkpointHandle);
      const expirationTime = expectTime('expirationTime', time);
      const key = sectionKey(sectionId);
      if (key === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const request = { handle: open.id, sectionId: key, expirationTime };
      const { rc } = await open.ask('expirationTimeSet', request);
      open.changes++;
      return { rc };
    },

    async saCkptSectionIterationInitialize(checkpointHandle, sectionsChosen, time) {
      const open = findOpen(checkpointHandle);
      const expirationTime = expectTime('expirationTime', time);
      const chosen = expectCount('sectionsChosen', sectionsChosen);
      if (chosen < SA_CKPT_SECTIONS_FOREVER || chosen > SA_CKPT_SECTIONS_ANY) {
        return { rc: SA_AIS_ERR_INVALID_PARAM };
      }
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const filter = { chosen, expirationTime };
      const { rc, iteration } = await SectionIteration.begin(open.ask, open.id, filter, open);
      if (iteration === undefined) return { rc };
      if (open.closed) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc, sectionIterationHandle: tables.addIteration(open, iteration) };
    },

    async saCkptSectionIterationNext(sectionIterationHandle) {
      const entry = tables.iterations.get(
        expect64('sectionIterationHandle', sectionIterationHandle),
      );
      if (entry === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { standing } = entry.open.handle.ais;
      if (standing !== SA_AIS_OK) return { rc: standing };
      const { rc, section } = await entry.iteration.next(entry.open.ask);
      if (section === undefined) return { rc };
      const { sectionId: key, expirationTime, sectionSize, sectionState, lastUpdate } = section;
      const sectionId = { id: key === '' ? null : idOf(key) };
      const rest = { expirationTime, sectionSize, sectionState, lastUpdate };
      return { rc, sectionDescriptor: { sectionId, ...rest } };
    },

    async saCkptSectionIterationFinalize(sectionIterationHandle) {
      const id = expect64('sectionIterationHandle', sectionIterationHandle);
      const entry = tables.iterations.get(id);
      if (entry === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = entry.open.handle.ais.standing;
      if (rc === SA_AIS_OK) tables.forgetIteration(sectionIterationHandle);
      return { rc };
    },

    async saCkptCheckpointWrite(checkpointHandle, ioVector) {
      const open = findOpen(checkpointHandle);
      const checked = checkVector(ioVector, writeItem);
      if (checked.items === undefined) return checked.outcome;
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const outcome = await writeVector(open.ask, open.id, checked.items);
      open.changes++;
      return outcome;
    },

    async saCkptSectionOverwrite(checkpointHandle, sectionId, dataBuffer) {
      const open = findOpen(checkpointHandle);
      const data = expectBytes('dataBuffer', dataBuffer);
      const key = sectionKey(sectionId);
      if (key === undefined || data === null) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await overwriteSection(open.ask, open.id, key, data);
      open.changes++;
      return { rc };
    },

    async saCkptCheckpointRead(checkpointHandle, ioVector) {
      const open = findOpen(checkpointHandle);
      const checked = checkVector(ioVector, readItem);
      if (checked.items === undefined) return checked.outcome;
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { data, ...outcome } = await readVector(open.ask, open.id, checked.items);
      for (const [index, bytes] of data.entries()) {
        const element = ioVector?.[index];
        if (element !== undefined) fill(element, bytes);
      }
      return outcome;
    },

    async saCkptIOVectorElementDataFree(checkpointHandle, data) {
      return free(checkpointHandle, expectBytes('data', data));
    },
  };
}

type Checked<Item> =
  | { readonly items: readonly Item[] }
  | { readonly items?: never; readonly outcome: Outcome };

function checkVector<Item>(
  vector: readonly SaCkptIOVectorElementT[] | null | undefined,
  convert: (element: SaCkptIOVectorElementT) => Item | undefined,
): Checked<Item> {
  const rc = SA_AIS_ERR_INVALID_PARAM;
  if (vector === null || vector === undefined) return { outcome: { rc } };
  const items: Item[] = [];
  for (const [erroneousVectorIndex, element] of vector.entries()) {
    const item = convert(element);
    if (item === undefined) return { outcome: { rc, erroneousVectorIndex } };
    items.push(item);
  }
  return { items };
}

function fill(element: SaCkptIOVectorElementT, bytes: Uint8Array): void {
  if (element.dataBuffer === null) element.dataBuffer = bytes;
  else element.dataBuffer.set(bytes);
  element.readSize = bytes.length;
}
