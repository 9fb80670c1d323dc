/**
 * The handlers of the lock service. Library handlers validate and multicast; exec handlers change the
 * table, the same on every node. All are total: an id that is stale, foreign or made up is answered.
 */
import {
  isSaName,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type ExecContext,
  execHandler,
  type Infer,
  type LibHandler,
  libHandler,
  type Schema,
  type Source,
  s,
} from '@aisexec/service';
import {
  type HandleRequest,
  handleRequest,
  type LockRequest,
  lockRequest,
  type OpenRequest,
  openRequest,
  type RevokeRequest,
  revokeRequest,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_OPT_DEADLOCK_DETECTION,
  SA_LCK_OPT_ORPHAN_LOCKS,
  unlockRequest,
} from '../protocol.ts';
import { LOCKS_PER_CLIENT_MAX, OPENS_MAX, OPENS_PER_CLIENT_MAX, RESOURCES_MAX } from './limits.ts';
import { requestLock, revokeLocks, settle } from './locking.ts';
import {
  addOpen,
  type Client,
  clientKey,
  findLock,
  type LckFairness,
  type LckState,
  type Open,
  purgeOrphans,
  type Resource,
  removeLock,
  stripOpen,
  type WaitingLock,
} from './state.ts';
import { OPENS_BOUND_SINCE } from './versions.ts';

/** What a node is configured with. */
export interface LibOptions {
  readonly fairness?: LckFairness;
  readonly administrators?: readonly number[];
}

/** The order of an open: with the order of grants that the client's node proposes. */
const openMessage = s.object({ open: openRequest, fairness: s.oneOf('standard', 'fifo') });
type OpenMessage = Infer<typeof openMessage>;

/** What clients may ask. */
export const createLib = ({ fairness = 'standard', administrators }: LibOptions) => ({
  open: libHandler<LckState, OpenRequest>({
    request: openRequest,
    flow: 'ordered',
    handle: (_state, request, ctx) => {
      if (!isSaName(request.name)) return { rc: SA_AIS_ERR_INVALID_PARAM };
      ctx.multicast('open', { open: request, fairness });
      return undefined;
    },
  }),
  close: relay('close', handleRequest),
  lock: relay('lock', lockRequest),
  unlock: relay('unlock', unlockRequest),
  purge: relay('purge', handleRequest),
  revoke: libHandler<LckState, RevokeRequest>({
    request: revokeRequest,
    flow: 'ordered',
    role: administrators === undefined ? 'operator' : 'reader',
    handle: (_state, request, ctx) => {
      // -1, "unknown", is in no list, whoever made it.
      if (administrators !== undefined && (ctx.uid < 0 || !administrators.includes(ctx.uid))) {
        return { rc: SA_AIS_ERR_ACCESS };
      }
      ctx.multicast('revoke', request, 'safe');
      return undefined;
    },
  }),
  options: libHandler({
    request: s.nothing,
    flow: 'local',
    role: 'reader',
    handle: () => ({
      rc: SA_AIS_OK,
      lckOptions: SA_LCK_OPT_ORPHAN_LOCKS | SA_LCK_OPT_DEADLOCK_DETECTION,
    }),
  }),
  limits: libHandler({
    request: s.nothing,
    flow: 'local',
    role: 'reader',
    handle: () => ({ rc: SA_AIS_OK, maxNumLocks: BigInt(LOCKS_PER_CLIENT_MAX) }),
  }),
});

/** What happens to the table, in the total order. */
export const exec = {
  open: execHandler<LckState, OpenMessage>({ message: openMessage, apply: applyOpen }),
  close: execHandler({
    message: handleRequest,
    apply: (state: LckState, { handle }, source, ctx) => {
      const stripped = stripOpen(state, source, handle);
      ctx.reply(source, { rc: stripped === undefined ? SA_AIS_ERR_BAD_HANDLE : SA_AIS_OK });
      if (stripped === undefined) return;
      for (const lock of stripped.cancelled) ctx.reply(lock.source, { rc: SA_AIS_ERR_BAD_HANDLE });
      settle(state, stripped.resource, ctx);
    },
  }),
  lock: execHandler<LckState, LockRequest>({ message: lockRequest, apply: applyLock }),
  unlock: execHandler({
    message: unlockRequest,
    apply: (state: LckState, { lockId }, source, ctx) => {
      const found = findLock(state, source, lockId);
      const lock = found?.waiting ?? found?.granted;
      ctx.reply(source, { rc: lock === undefined ? SA_AIS_ERR_NOT_EXIST : SA_AIS_OK });
      if (found === undefined || lock === undefined) return;
      removeLock(state, found.resource, lock);
      if (found.waiting !== undefined) {
        ctx.reply(found.waiting.source, { rc: SA_AIS_ERR_NOT_EXIST });
      }
      settle(state, found.resource, ctx);
    },
  }),
  purge: execHandler<LckState, HandleRequest>({ message: handleRequest, apply: applyPurge }),
  revoke: execHandler<LckState, RevokeRequest>({ message: revokeRequest, apply: applyRevoke }),
} as const;

/**
 * Safe, whatever it is: all of these may grant, or take, locks, and who is told must not be the only one who knows
 * (ADR 0190). An open is not: nothing is granted by it.
 */
function relay<Request>(name: string, request: Schema<Request>): LibHandler<LckState, Request> {
  return {
    request,
    flow: 'ordered',
    handle: (_state, message, ctx) => {
      ctx.multicast(name, message, 'safe');
      return undefined;
    },
  };
}

function applyOpen(
  state: LckState,
  { open: request, fairness }: OpenMessage,
  source: Source,
  ctx: ExecContext,
): void {
  state.fairness ??= fairness;
  const rc = checkOpen(state, request, source, ctx);
  if (rc === SA_AIS_OK) {
    addOpen(state, source, request.handle, { name: request.name, notify: request.notify });
  }
  ctx.reply(source, { rc });
}

function checkOpen(
  state: LckState,
  request: OpenRequest,
  source: Source,
  ctx: ExecContext,
): SaAisErrorT {
  const opens = state.clients.get(clientKey(source))?.opens;
  if (opens?.has(request.handle)) return SA_AIS_ERR_EXIST;
  if (opens !== undefined && opens.size >= OPENS_PER_CLIENT_MAX) return SA_AIS_ERR_NO_RESOURCES;
  if (ctx.version >= OPENS_BOUND_SINCE && state.openCount >= OPENS_MAX) {
    return SA_AIS_ERR_NO_RESOURCES;
  }
  if (state.resources.has(request.name)) return SA_AIS_OK;
  if (!request.create) return SA_AIS_ERR_NOT_EXIST;
  return state.resources.size >= RESOURCES_MAX ? SA_AIS_ERR_NO_RESOURCES : SA_AIS_OK;
}

function applyLock(state: LckState, request: LockRequest, source: Source, ctx: ExecContext): void {
  const opened = findOpen(state, source, request.handle);
  if (opened === undefined || opened.client.locks.has(request.lockId)) {
    ctx.reply(source, { rc: opened === undefined ? SA_AIS_ERR_BAD_HANDLE : SA_AIS_ERR_EXIST });
    return;
  }
  const { client, open, resource } = opened;
  const lock: WaitingLock = {
    id: request.lockId,
    owner: client.ref,
    handle: request.handle,
    mode: request.mode,
    orphan: (request.flags & SA_LCK_LOCK_ORPHAN) !== 0,
    notify: open.notify,
    waiterSignal: request.waiterSignal,
    detect: request.detect,
    since: ctx.time,
    source: { node: source.node, connection: source.connection, request: source.request },
    announced: true,
  };
  requestLock(state, client, resource, { lock, flags: request.flags }, ctx);
}

function applyPurge(
  state: LckState,
  request: HandleRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const resource = findOpen(state, source, request.handle)?.resource;
  if (resource === undefined) ctx.reply(source, { rc: SA_AIS_ERR_BAD_HANDLE });
  // Without quorum it is not for this side to say: a merge might bring the orphans back.
  else if (!ctx.view.quorate) ctx.reply(source, { rc: SA_AIS_ERR_TRY_AGAIN });
  else {
    ctx.replyWhenCertain(source, { rc: SA_AIS_OK }, { rc: SA_AIS_ERR_TRY_AGAIN });
    if (purgeOrphans(state, resource) > 0) settle(state, resource, ctx);
  }
}

function applyRevoke(
  state: LckState,
  { name, token }: RevokeRequest,
  source: Source,
  ctx: ExecContext,
): void {
  const resource = state.resources.get(name);
  // As for purge: a part without quorum does not know who holds what.
  if (!ctx.view.quorate) ctx.reply(source, { rc: SA_AIS_ERR_TRY_AGAIN });
  else if (resource === undefined) ctx.reply(source, { rc: SA_AIS_ERR_NOT_EXIST });
  else {
    const revoked = revokeLocks(state, resource, token, ctx);
    // Not TRY_AGAIN, which clients do by themselves: whom they would find then is somebody else.
    ctx.replyWhenCertain(source, { rc: SA_AIS_OK, revoked }, { rc: SA_AIS_ERR_TIMEOUT });
  }
}

interface Opened {
  readonly client: Client;
  readonly open: Open;
  readonly resource: Resource;
}

function findOpen(state: LckState, source: Source, handle: bigint): Opened | undefined {
  const client = state.clients.get(clientKey(source));
  const open = client?.opens.get(handle);
  const resource = open === undefined ? undefined : state.resources.get(open.name);
  if (client === undefined || open === undefined || resource === undefined) return undefined;
  return { client, open, resource };
}
