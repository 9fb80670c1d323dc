/** The library handlers, which only validate and multicast, and the table of exec handlers. */
import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import {
  type ExecHandler,
  execHandler,
  type LibContext,
  type LibHandler,
  libHandler,
  type Role,
  type Schema,
  s,
} from '@aisexec/service';
import {
  CHANNELS_MAX,
  EVENT_DATA_BYTES_MAX,
  HURRIED_CONTENTS_MAX,
  PATTERN_BYTES_MAX,
  PATTERNS_MAX,
  RETENTION_NS_MAX,
} from '../limits.ts';
import {
  closeRequest,
  EVENT_ID_RESERVED_MAX,
  type OpenMessage,
  openMessage,
  openRequest,
  type PublishMessage,
  publishMessage,
  publishRequest,
  retentionClearRequest,
  subscribeRequest,
  unlinkRequest,
  unsubscribeRequest,
} from '../protocol.ts';
import { absentIn } from './background.ts';
import { applyClose, applyOpen, applyUnlink } from './channel-handlers.ts';
import {
  applyPublish,
  applyRetentionClear,
  applySubscribe,
  applyUnsubscribe,
} from './event-handlers.ts';
import { type EvtState, findOpen } from './state.ts';

// biome-ignore lint/suspicious/noExplicitAny: handlers of one table differ in their request types
export const lib: Readonly<Record<string, LibHandler<EvtState, any>>> = {
  open: libHandler({
    request: openRequest,
    flow: 'ordered',
    role: ({ create, publisher }) => (create || publisher ? 'user' : 'reader'),
    handle: (_state, request, ctx) => {
      const { handle, name, create, publisher, subscriber } = request;
      const message: OpenMessage = {
        ...{ handle, name, create, publisher, subscriber },
        instance: ctx.uniqueId(),
      };
      ctx.multicast('open', message);
      return undefined;
    },
  }),
  close: forwarded('close', closeRequest, ({ handle }) => ({ handle }), { role: 'reader' }),
  unlink: forwarded('unlink', unlinkRequest, ({ name }) => ({ name }), { guarantee: 'safe' }),
  subscribe: libHandler({
    request: subscribeRequest,
    flow: 'ordered',
    role: 'reader',
    handle: (state, { handle, id, serial, filters }, ctx) => {
      if (isOnItsWay(state, handle, ctx)) return { rc: SA_AIS_ERR_TRY_AGAIN };
      const picked = filters.map(({ type, pattern }) => ({ type, pattern }));
      ctx.multicast('subscribe', { handle, id, serial, filters: picked });
      return undefined;
    },
  }),
  unsubscribe: forwarded('unsubscribe', unsubscribeRequest, ({ handle, id }) => ({ handle, id }), {
    role: 'reader',
  }),
  publish: libHandler({
    request: publishRequest,
    flow: 'ordered',
    handle: (state, request, ctx) => {
      const { handle, patterns, priority, retention, publisher, data } = request;
      const message: PublishMessage = {
        ...{ handle, patterns, priority, retention, publisher, data },
        id: drawEventId(state, ctx),
      };
      // Safe: an event that was acknowledged outlives its publisher's node (ADR 0221).
      ctx.multicast('publish', message, 'safe');
      return undefined;
    },
  }),
  retentionClear: forwarded(
    'retentionClear',
    retentionClearRequest,
    ({ handle, id }) => ({ handle, id }),
    { guarantee: 'safe' },
  ),
  limits: libHandler({
    request: s.nothing,
    flow: 'local',
    role: 'reader',
    handle: () => ({
      rc: SA_AIS_OK,
      channels: BigInt(CHANNELS_MAX),
      eventBytes: BigInt(EVENT_DATA_BYTES_MAX),
      patternBytes: BigInt(PATTERN_BYTES_MAX),
      patterns: BigInt(PATTERNS_MAX),
      retention: RETENTION_NS_MAX,
    }),
  }),
};

// biome-ignore lint/suspicious/noExplicitAny: handlers of one table differ in their message types
export const exec: Readonly<Record<string, ExecHandler<EvtState, any>>> = {
  open: execHandler({ message: openMessage, apply: applyOpen }),
  close: execHandler({ message: closeRequest, apply: applyClose }),
  unlink: execHandler({ message: unlinkRequest, apply: applyUnlink }),
  subscribe: execHandler({ message: subscribeRequest, apply: applySubscribe }),
  unsubscribe: execHandler({ message: unsubscribeRequest, apply: applyUnsubscribe }),
  publish: execHandler({ message: publishMessage, apply: applyPublish }),
  retentionClear: execHandler({ message: retentionClearRequest, apply: applyRetentionClear }),
};

/**
 * A request that travels as it is; `pick` leaves behind what a client sent too much. What changes more than the client's
 * own opens is safe: acknowledged, it outlives the client's node (ADR 0221).
 */
function forwarded<Request>(
  name: string,
  request: Schema<Request>,
  pick: (request: Request) => Request,
  { role = 'user', guarantee }: { readonly role?: Role; readonly guarantee?: 'safe' } = {},
): LibHandler<EvtState, Request> {
  return {
    request,
    flow: 'ordered',
    role,
    handle: (_state, argument, ctx) => {
      ctx.multicast(name, pick(argument), guarantee);
      return undefined;
    },
  };
}

/** Whether what the channel retains is still to come to this node; has it come first then. */
function isOnItsWay(state: EvtState, handle: bigint, ctx: LibContext): boolean {
  const channel = findOpen(state, ctx.client, handle)?.channel;
  if (channel === undefined) return false;
  let hurried = 0;
  for (const piece of absentIn(state, channel)) {
    if (!ctx.fetchFirst(piece)) return false;
    if (++hurried === HURRIED_CONTENTS_MAX) break;
  }
  return hurried > 0;
}

/** Unique in the cluster, never reserved, never the id of an event that is still retained (AIS B.2 rule 9). */
function drawEventId(state: EvtState, ctx: LibContext): bigint {
  let id = ctx.uniqueId();
  while (id <= EVENT_ID_RESERVED_MAX || state.retained.has(id)) id = ctx.uniqueId();
  return id;
}
