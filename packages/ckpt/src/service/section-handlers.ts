/**
 * Sections and their data over the wire (AIS-CKPT B.3: SectionCreate, Delete, ExpirationTimeSet, Write,
 * Overwrite, Read, the iteration's listing; rules 4, 5, 8).
 */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { LibContext, Reply } from '@aisexec/service';
import { LIST_PAGE_BYTES_MAX, LIST_PAGE_MAX, REQUEST_BYTES_MAX } from '../limits.ts';
import {
  type LocalRequests,
  type OrderedRequests,
  type ReadResult,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_SECTIONS_ANY,
  SA_CKPT_SECTIONS_FOREVER,
} from '../protocol.ts';
import { type AccessNeeds, access } from './access.ts';
import type { Change, Changes, Queries } from './handlers.ts';
import { absentPages, readData } from './section-data.ts';
import {
  createSection,
  deleteSection,
  describeSection,
  isChosen,
  overwriteSection,
  putSection,
  setExpiration,
  writeElement,
} from './sections.ts';
import type { CkptState } from './state.ts';
import { stampOf } from './version.ts';
import { tellWatches } from './watches.ts';

const WRITE: AccessNeeds = { right: SA_CKPT_CHECKPOINT_WRITE, data: true };
const READ: AccessNeeds = { right: SA_CKPT_CHECKPOINT_READ, data: true };
const ANY: AccessNeeds = { data: true };

const sectionCreate: Change<OrderedRequests['sectionCreate']> = {
  apply: (state, request, source, ctx) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const created = createSection(state, found.checkpoint, request, stampOf(ctx, source));
    const { sectionId } = created;
    if (sectionId !== undefined) tellWatches(found.checkpoint, 'created', sectionId, ctx);
    return created;
  },
};

const sectionDelete: Change<OrderedRequests['sectionDelete']> = {
  apply: (state, request, source, ctx) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const rc = deleteSection(state, found.checkpoint, request.sectionId);
    if (rc !== SA_AIS_OK) return { rc };
    tellWatches(found.checkpoint, 'deleted', request.sectionId, ctx);
    return { rc, order: ctx.order };
  },
};

const expirationTimeSet: Change<OrderedRequests['expirationTimeSet']> = {
  apply: (state, request, source) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const { sectionId, expirationTime } = request;
    return { rc: setExpiration(state, found.checkpoint, sectionId, expirationTime) };
  },
};

/** In order, up to the first element that fails; the earlier ones stay applied (rule 5). */
const write: Change<OrderedRequests['write']> = {
  check: checkVectorBytes,
  apply: (state, request, source, ctx) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const { checkpoint } = found;
    const at = stampOf(ctx, source);
    const written = new Set<string>();
    let reply: Reply = { rc: SA_AIS_OK };
    for (const [index, element] of request.elements.entries()) {
      const rc = writeElement(state, checkpoint, element, at);
      if (rc !== SA_AIS_OK) {
        reply = { rc, erroneousVectorIndex: index };
        break;
      }
      written.add(element.sectionId);
    }
    for (const sectionId of written) tellWatches(checkpoint, 'written', sectionId, ctx);
    return reply;
  },
};

const overwrite: Change<OrderedRequests['overwrite']> = {
  apply: (state, request, source, ctx) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const rc = overwriteSection(state, found.checkpoint, request, stampOf(ctx, source));
    if (rc === SA_AIS_OK) tellWatches(found.checkpoint, 'written', request.sectionId, ctx);
    return { rc };
  },
};

const put: Change<OrderedRequests['put']> = {
  apply: (state, request, source, ctx) => {
    const found = access(state, source, request.handle, WRITE);
    if (found.checkpoint === undefined) return found;
    const { rc, created } = putSection(state, found.checkpoint, request, stampOf(ctx, source));
    if (rc !== SA_AIS_OK) return { rc };
    tellWatches(found.checkpoint, created ? 'created' : 'written', request.sectionId, ctx);
    return { rc, order: ctx.order };
  },
};

export const sectionChanges: Changes = {
  sectionCreate,
  sectionDelete,
  expirationTimeSet,
  write,
  overwrite,
  put,
};

export const sectionQueries: Queries = {
  sectionKeys: listKeys,
  sectionDescribe: (state, request, ctx) => {
    const found = access(state, ctx.client, request.handle, ANY);
    if (found.checkpoint === undefined) return found;
    const { checkpoint } = found;
    const sections = request.sectionIds.map((key) => describeSection(checkpoint, key));
    return { rc: SA_AIS_OK, sections };
  },
  read: readVector,
};

/** All pieces of one request fit into one message, whatever the client's own arithmetic was. */
function checkVectorBytes({ elements }: OrderedRequests['write']): SaAisErrorT {
  const bytes = elements.reduce((sum, element) => sum + element.data.length, 0);
  return bytes <= REQUEST_BYTES_MAX ? SA_AIS_OK : SA_AIS_ERR_INVALID_PARAM;
}

/** Answers as many elements as fit into one reply, the last perhaps short; the client asks for the rest. */
function readVector(state: CkptState, request: LocalRequests['read'], ctx: LibContext): Reply {
  const found = access(state, ctx.client, request.handle, READ);
  if (found.checkpoint === undefined) return found;
  const { sections, attributes } = found.checkpoint;
  const results: ReadResult[] = [];
  let room = REQUEST_BYTES_MAX;
  for (const [index, { sectionId, offset, size }] of request.elements.entries()) {
    const data = sections.get(sectionId)?.data;
    if (data === undefined)
      return { rc: SA_AIS_ERR_NOT_EXIST, results, erroneousVectorIndex: index };
    if (offset > attributes.maxSectionSize || (size ?? 0) > attributes.maxSectionSize) {
      return { rc: SA_AIS_ERR_INVALID_PARAM, results, erroneousVectorIndex: index };
    }
    const length = Math.min(size ?? room, room);
    const absent = absentPages(data, offset, length);
    if (absent.length > 0) {
      // Still on its way to this node (ADR 0126): now it comes first.
      const { id: checkpoint } = found.checkpoint;
      for (const page of absent) ctx.fetchFirst({ checkpoint, key: sectionId, page });
      return { rc: SA_AIS_ERR_TRY_AGAIN };
    }
    const bytes = readData(data, offset, length);
    results.push({ data: bytes, available: Math.max(0, data.size - offset) });
    room -= bytes.length;
    if (room === 0) break;
  }
  return { rc: SA_AIS_OK, results };
}

/**
 * One page of section ids. The serial numbers that a cursor refers to may be given anew when partitions
 * merge, so the page says in which ring it was made and the client starts again when that changed.
 */
function listKeys(state: CkptState, request: LocalRequests['sectionKeys'], ctx: LibContext): Reply {
  if (request.chosen < SA_CKPT_SECTIONS_FOREVER || request.chosen > SA_CKPT_SECTIONS_ANY) {
    return { rc: SA_AIS_ERR_INVALID_PARAM };
  }
  const found = access(state, ctx.client, request.handle, ANY);
  if (found.checkpoint === undefined) return found;
  const keys: string[] = [];
  let bytes = 0;
  let next: number | null = null;
  for (const [key, section] of found.checkpoint.sections) {
    if (section.serial <= request.after) continue;
    if (!isChosen(section, request.chosen, request.expirationTime)) continue;
    if (keys.length === LIST_PAGE_MAX || bytes > LIST_PAGE_BYTES_MAX) break;
    keys.push(key);
    bytes += key.length;
    next = section.serial;
  }
  const { rep, seq } = ctx.view.ringId;
  const more = keys.length === LIST_PAGE_MAX || bytes > LIST_PAGE_BYTES_MAX;
  return { rc: SA_AIS_OK, keys, next: more ? next : null, ring: `${rep}.${seq}` };
}
