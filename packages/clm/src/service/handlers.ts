/** CLM's library and exec handlers (AIS B.4): reads are local, whatever changes is in the order. */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  execHandler,
  type LibContext,
  type LibHandler,
  libHandler,
  type Role,
  type Source,
} from '@aisexec/service';
import {
  type AdminState,
  administerRequest,
  adminStatesRequest,
  currentRequest,
  type NodeAdminState,
  nodeGetRequest,
  respondRequest,
  SA_CLM_LOCAL_NODE_ID,
  standingRequest,
  trackRequest,
  trackStopRequest,
} from '../protocol.ts';
import { currentReport } from './changes.ts';
import { CLM_SUPERVISION_MS_MAX } from './limits.ts';
import { administer, respond, settle } from './operations.ts';
import { admissionOf, type ClmState, clientKey, dropTrack, isAdmitted, isLocked } from './state.ts';

/** The library handlers. `administrators`: who may lock, unlock and shut down nodes in the place of operators. */
export function createLibHandlers(administrators?: readonly number[]) {
  return {
    standing: libHandler({
      request: standingRequest,
      flow: 'local',
      role: 'reader',
      handle: (state: ClmState, request, ctx) => {
        const admission = admissionOf(state, ctx.nodeId);
        const rc = standingOf(state, ctx, request.admission ?? admission);
        return rc === SA_AIS_OK ? { rc, admission } : { rc };
      },
    }),

    current: libHandler({
      request: currentRequest,
      flow: 'local',
      role: 'reader',
      handle: (state: ClmState, { admission, local }, ctx) => {
        const rc = standingOf(state, ctx, admission);
        if (rc !== SA_AIS_OK) return { rc };
        return { rc, view: currentReport(state, local ? ctx.nodeId : undefined) };
      },
    }),

    nodeGet: libHandler({
      request: nodeGetRequest,
      flow: 'local',
      role: 'reader',
      handle: (state: ClmState, { admission, nodeId }, ctx) => {
        const rc = standingOf(state, ctx, admission);
        if (rc !== SA_AIS_OK) return { rc };
        const node = state.members.get(resolved(nodeId, ctx));
        return node === undefined ? { rc: SA_AIS_ERR_NOT_EXIST } : { rc, node };
      },
    }),

    // Who is asked before a node is removed has a say in it.
    track: ordered('track', trackRequest, ({ validate }) => (validate ? 'user' : 'reader')),
    trackStop: ordered('trackStop', trackStopRequest, 'reader'),
    respond: ordered('respond', respondRequest),

    administer: libHandler({
      request: administerRequest,
      flow: 'ordered',
      role: administrators === undefined ? 'operator' : 'reader',
      handle: (_state: ClmState, { operation, nodeId, supervisionMs }, ctx) => {
        // -1, "unknown", is in no list, whoever made it.
        if (administrators !== undefined && (ctx.uid < 0 || !administrators.includes(ctx.uid))) {
          return { rc: SA_AIS_ERR_ACCESS };
        }
        if (nodeId === 0 || supervisionMs > CLM_SUPERVISION_MS_MAX) {
          return { rc: SA_AIS_ERR_INVALID_PARAM };
        }
        ctx.multicast('administer', { operation, nodeId: resolved(nodeId, ctx), supervisionMs });
        return undefined;
      },
    }),

    adminStates: libHandler({
      request: adminStatesRequest,
      flow: 'local',
      role: 'reader',
      handle: (state: ClmState, _request, ctx) => ({
        rc: SA_AIS_OK,
        nodes: adminStates(state, ctx),
      }),
    }),
  };
}

export const exec = {
  track: execHandler({
    message: trackRequest,
    apply: (state: ClmState, { admission, ...wanted }, source, ctx) => {
      if (!isAdmitted(state, source.node, admission)) {
        ctx.reply(source, { rc: SA_AIS_ERR_UNAVAILABLE });
        return;
      }
      const { mode, local, validate, start, subscription } = wanted;
      const client = clientOf(source);
      // A new subscription ends the former one, and with it what was owed under that.
      dropTrack(state, client);
      state.tracks.set(clientKey(client), {
        client,
        admission,
        mode,
        local,
        validate,
        start,
        subscription,
        since: null,
        owes: [],
      });
      const view = currentReport(state, local ? client.node : undefined);
      ctx.reply(source, { rc: SA_AIS_OK, view });
      settle(state, ctx);
    },
  }),

  trackStop: execHandler({
    message: trackStopRequest,
    apply: (state: ClmState, { admission }, source, ctx) => {
      const isMember = isAdmitted(state, source.node, admission);
      const existed = isMember && dropTrack(state, source);
      const rc = existed ? SA_AIS_OK : SA_AIS_ERR_NOT_EXIST;
      ctx.reply(source, { rc: isMember ? rc : SA_AIS_ERR_UNAVAILABLE });
      settle(state, ctx);
    },
  }),

  respond: execHandler({
    message: respondRequest,
    apply: (state: ClmState, { admission, invocation, response }, source, ctx) => {
      if (isAdmitted(state, source.node, admission)) {
        ctx.reply(source, { rc: respond(state, source, invocation, response, ctx) });
        settle(state, ctx);
      } else ctx.reply(source, { rc: SA_AIS_ERR_UNAVAILABLE });
    },
  }),

  administer: execHandler({
    message: administerRequest,
    apply: (state: ClmState, request, source, ctx) => {
      const caller = { ...clientOf(source), request: source.request };
      const rc = administer(state, request, caller, ctx);
      if (rc !== undefined) ctx.reply(source, { rc });
      settle(state, ctx);
    },
  }),
};

/** A request that goes into the order as it is. */
function ordered<Request>(
  name: keyof typeof exec,
  request: LibHandler<ClmState, Request>['request'],
  role: Role | ((request: Request) => Role) = 'user',
) {
  return libHandler<ClmState, Request>({
    request,
    flow: 'ordered',
    role,
    handle: (_state, argument, ctx) => {
      ctx.multicast(name, argument);
      return undefined;
    },
  });
}

/** TRY_AGAIN before the first view, UNAVAILABLE where this node is no member, or not the one it was. */
function standingOf(state: ClmState, { nodeId }: LibContext, admission: bigint): SaAisErrorT {
  if (state.viewNumber === 0n) return SA_AIS_ERR_TRY_AGAIN;
  return isAdmitted(state, nodeId, admission) ? SA_AIS_OK : SA_AIS_ERR_UNAVAILABLE;
}

function adminStates(state: ClmState, { view }: LibContext): NodeAdminState[] {
  const names = new Map(view.members.map(({ nodeId, name }) => [nodeId, name]));
  const ids = [...new Set([...names.keys(), ...state.records.keys()])].sort((a, b) => a - b);
  return ids.map((nodeId) => ({
    nodeId,
    name: names.get(nodeId) ?? null,
    member: state.members.has(nodeId),
    state: adminStateOf(state, nodeId),
  }));
}

/** A node is shutting down from the START of its shutdown on. */
export function adminStateOf(state: ClmState, nodeId: number): AdminState {
  if (isLocked(state, nodeId)) return 'locked';
  const operation = state.operations.get(nodeId);
  const isShuttingDown = operation?.kind === 'shutdown' && operation.step === 'start';
  return isShuttingDown ? 'shutting-down' : 'unlocked';
}

function resolved(nodeId: number, ctx: LibContext): number {
  return nodeId === SA_CLM_LOCAL_NODE_ID ? ctx.nodeId : nodeId;
}

function clientOf(source: Source): { node: number; connection: number } {
  return { node: source.node, connection: source.connection };
}
