/**
 * Opening, closing, unlinking and the attributes of checkpoints (AIS-CKPT B.3: Open, Close, Unlink,
 * RetentionDurationSet, ActiveReplicaSet, Synchronize, StatusGet; rules 1, 2, 6, 7).
 */
import {
  isSaName,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ExecContext, Reply, Source } from '@aisexec/service';
import { checkOpen, isSynchronous, needsActiveReplica, sameAttributes } from '../attributes.ts';
import { CHECKPOINTS_MAX, CLIENT_OPENS_MAX, OPENS_MAX } from '../limits.ts';
import {
  type OrderedRequests,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  type SaCkptCheckpointCreationAttributesT,
} from '../protocol.ts';
import { access } from './access.ts';
import type { Change, Changes, Queries } from './handlers.ts';
import { closeOpen } from './retention.ts';
import { addDefaultSection, hasRoom } from './sections.ts';
import {
  addCheckpoint,
  addOpen,
  type Checkpoint,
  type CkptState,
  clientKey,
  removeCheckpoint,
} from './state.ts';
import { stampOf } from './version.ts';

const open: Change<OrderedRequests['open']> = {
  withoutQuorum: true,
  check: checkOpen,
  role: ({ openFlags }) => (openFlags === SA_CKPT_CHECKPOINT_READ ? 'reader' : 'user'),
  apply: (state, request, source, ctx) => {
    const opens = state.clients.get(clientKey(source))?.opens;
    if (opens?.has(request.handle)) return { rc: SA_AIS_ERR_INVALID_PARAM };
    if ((opens?.size ?? 0) >= CLIENT_OPENS_MAX || state.opens >= OPENS_MAX) {
      return { rc: SA_AIS_ERR_NO_RESOURCES };
    }
    const found = findOrCreate(state, request, source, ctx);
    if (typeof found === 'number') return { rc: found };
    const { handle, openFlags: flags } = request;
    addOpen(state, source, handle, { checkpoint: found.id, flags });
    return { rc: SA_AIS_OK };
  },
};

const close: Change<OrderedRequests['close']> = {
  withoutQuorum: true,
  role: () => 'reader',
  apply: (state, { handle }, source, ctx) => ({
    rc: closeOpen(state, source, handle, ctx.time) ? SA_AIS_OK : SA_AIS_ERR_BAD_HANDLE,
  }),
};

/** The name is free at once; who has the instance open keeps it (rule 7). */
const unlink: Change<OrderedRequests['unlink']> = {
  check: ({ name }) => (isSaName(name) ? SA_AIS_OK : SA_AIS_ERR_INVALID_PARAM),
  apply: (state, { name }) => {
    const checkpoint = state.checkpoints.get(state.names.get(name) ?? '');
    if (checkpoint === undefined) return { rc: SA_AIS_ERR_NOT_EXIST };
    if (checkpoint.openers === 0) removeCheckpoint(state, checkpoint);
    else {
      state.names.delete(name);
      checkpoint.linked = false;
    }
    return { rc: SA_AIS_OK };
  },
};

const retentionDurationSet: Change<OrderedRequests['retentionDurationSet']> = {
  check: (request) => (request.retentionDuration < 0n ? SA_AIS_ERR_INVALID_PARAM : SA_AIS_OK),
  apply: (state, request, source) => {
    const found = access(state, source, request.handle, { data: false });
    if (found.checkpoint === undefined) return found;
    if (!found.checkpoint.linked) return { rc: SA_AIS_ERR_BAD_OPERATION };
    found.checkpoint.attributes.retentionDuration = request.retentionDuration;
    return { rc: SA_AIS_OK };
  },
};

const activeReplicaSet: Change<OrderedRequests['activeReplicaSet']> = {
  apply: (state, { handle }, source) => {
    const right = SA_CKPT_CHECKPOINT_WRITE;
    const found = access(state, source, handle, { right, data: false });
    if (found.checkpoint === undefined) return found;
    if (!needsActiveReplica(found.checkpoint.attributes)) return { rc: SA_AIS_ERR_BAD_OPERATION };
    found.checkpoint.activeNode = source.node;
    return { rc: SA_AIS_OK };
  },
};

/** A barrier in the order: what was written before it is on every member when it is answered. */
const synchronize: Change<OrderedRequests['synchronize']> = {
  apply: (state, { handle }, source) => {
    const right = SA_CKPT_CHECKPOINT_WRITE;
    const found = access(state, source, handle, { right, data: false });
    if (found.checkpoint === undefined) return found;
    if (isSynchronous(found.checkpoint.attributes)) return { rc: SA_AIS_ERR_BAD_OPERATION };
    const active = access(state, source, handle, { data: true });
    return active.checkpoint === undefined ? active : { rc: SA_AIS_OK };
  },
};

export const checkpointChanges: Changes = {
  open,
  close,
  unlink,
  retentionDurationSet,
  activeReplicaSet,
  synchronize,
};

export const checkpointQueries: Queries = {
  status: (state, { handle }, ctx): Reply => {
    const found = access(state, ctx.client, handle, { data: true });
    if (found.checkpoint === undefined) return found;
    const { attributes, sections, bytes } = found.checkpoint;
    return {
      rc: SA_AIS_OK,
      checkpointStatus: {
        checkpointCreationAttributes: { ...attributes },
        numberOfSections: sections.size,
        memoryUsed: bytes,
      },
    };
  },
};

function findOrCreate(
  state: CkptState,
  request: OrderedRequests['open'],
  source: Source,
  ctx: ExecContext,
): Checkpoint | SaAisErrorT {
  const existing = state.checkpoints.get(state.names.get(request.name) ?? '');
  const { attributes } = request;
  if (existing !== undefined) {
    const same = attributes === null || sameAttributes(attributes, existing.attributes);
    return same ? existing : SA_AIS_ERR_EXIST;
  }
  if (attributes === null) return SA_AIS_ERR_NOT_EXIST;
  // Refused now rather than in the middle of the application's work (LIMITS: STORE_BYTES_MAX).
  if (state.checkpoints.size >= CHECKPOINTS_MAX || !hasRoom(state, attributes.checkpointSize)) {
    return SA_AIS_ERR_NO_RESOURCES;
  }
  const checkpoint = createCheckpoint(`${ctx.order}.${source.node}`, request.name, attributes);
  addCheckpoint(state, checkpoint);
  if (attributes.maxSections === 1) addDefaultSection(state, checkpoint, stampOf(ctx, source));
  return checkpoint;
}

function createCheckpoint(
  id: string,
  name: string,
  attributes: SaCkptCheckpointCreationAttributesT,
): Checkpoint {
  return {
    id,
    name,
    attributes: {
      creationFlags: attributes.creationFlags,
      checkpointSize: attributes.checkpointSize,
      retentionDuration: attributes.retentionDuration,
      maxSections: attributes.maxSections,
      maxSectionSize: attributes.maxSectionSize,
      maxSectionIdSize: attributes.maxSectionIdSize,
    },
    linked: true,
    sections: new Map(),
    nextSerial: 1,
    generated: 0,
    activeNode: null,
    retainUntil: null,
    due: null,
    openers: 0,
    bytes: 0,
    digest: 0,
    watches: new Map(),
  };
}
