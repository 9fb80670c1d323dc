/**
 * The literal AIS layer: every function of AIS CLM under its own name, in both generations (B.01 and
 * B.04), with its result codes. AIS conditions are result codes; only a wrong JavaScript type throws, a
 * TypeError. The change of a membership is reported when it is completed; nobody is asked before.
 */
import {
  type HandleTable,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_TIME_UNKNOWN,
  SA_TRACK_CURRENT,
  type SaAisErrorT,
  type SaDispatchFlagsT,
  type SaVersionT,
} from '@aisexec/ais';
import {
  type AisHandle,
  type ConnectOptions,
  createHandleTable,
  openHandle,
  type Reply,
} from '@aisexec/ipc';
import { CHANGED, type ChangedEvent, CLM_SERVICE, type ViewReport } from '../protocol.ts';
import {
  checkCallbacks,
  checkTrackFlags,
  expect64,
  expectNumber,
  isLocal,
  modeOf,
  withinTimeout,
} from './arguments.ts';
import { SA_CLM_CHANGE_COMPLETED } from './constants.ts';
import {
  type Generation,
  nodeOf,
  toBuffer,
  toClusterNode,
  toNotifications,
  viewOf,
} from './convert.ts';
import { TrackFeed } from './feed.ts';
import type {
  Rc,
  SaClm,
  SaClmCallbacksT,
  SaClmCallbacksT_4,
  SaClmClusterNodeT_4,
  SaClmClusterNotificationBufferT,
  SaClmHandleT,
} from './literal-types.ts';

/** One `saClmInitialize`; also the owner of its track callbacks in the queue. */
interface ClmHandle {
  readonly ais: AisHandle;
  readonly generation: Generation;
  readonly callbacks: SaClmCallbacksT & SaClmCallbacksT_4;
  readonly feed: TrackFeed;
}

const VERSIONS: Readonly<Record<Generation, SaVersionT>> = {
  1: { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
  4: { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
};

/** Makes one set of the AIS functions with a handle table of its own. */
export function createSaClm(): SaClm {
  const handles: HandleTable<'SaClmHandleT', ClmHandle> = createHandleTable();
  const find = (clmHandle: SaClmHandleT): ClmHandle | undefined =>
    handles.get(expect64('clmHandle', clmHandle));

  /** The handle when it is of this generation, else why not. */
  const findOf = (clmHandle: SaClmHandleT, generation: Generation): ClmHandle | SaAisErrorT => {
    const handle = find(clmHandle);
    if (handle === undefined) return SA_AIS_ERR_BAD_HANDLE;
    return handle.generation === generation ? handle : SA_AIS_ERR_VERSION;
  };

  const initialize = async (
    generation: Generation,
    clmCallbacks: SaClmCallbacksT | SaClmCallbacksT_4 | null | undefined,
    version: SaVersionT | null | undefined,
    connect: ConnectOptions | undefined,
  ) => {
    const callbacks = checkCallbacks(clmCallbacks) as SaClmCallbacksT & SaClmCallbacksT_4;
    let feed: TrackFeed | undefined;
    const opened = await openHandle({
      service: CLM_SERVICE,
      supported: [VERSIONS[generation]],
      version,
      connect,
      onEvent: (event) => {
        if (event.name === CHANGED) feed?.receive(event.payload as ChangedEvent);
      },
    });
    if (opened.handle === undefined) return { rc: opened.rc };
    feed = new TrackFeed((event) => queueTrackCallback(handle, event));
    const handle: ClmHandle = { ais: opened.handle, generation, callbacks, feed };
    return { rc: SA_AIS_OK, clmHandle: handles.add(handle) };
  };

  const nodeGet = async (
    handle: ClmHandle | SaAisErrorT,
    nodeId: number,
    timeout: bigint,
  ): Promise<Rc & { clusterNode?: SaClmClusterNodeT_4 }> => {
    expectNumber('nodeId', nodeId);
    expect64('timeout', timeout);
    if (typeof handle === 'number') return { rc: handle };
    if (nodeId === 0 || timeout < 0n) return { rc: SA_AIS_ERR_INVALID_PARAM };
    const reply = await withinTimeout(handle.ais.request('nodeGet', { nodeId }), timeout);
    const node = nodeOf(reply);
    if (reply.rc !== SA_AIS_OK || node === undefined) return { rc: reply.rc };
    return { rc: SA_AIS_OK, clusterNode: toClusterNode(node, true, handle.generation) };
  };

  const notificationFree = (handle: ClmHandle | SaAisErrorT, notification: unknown): Rc => {
    if (notification === null || notification === undefined)
      return { rc: SA_AIS_ERR_INVALID_PARAM };
    return { rc: typeof handle === 'number' ? handle : SA_AIS_OK };
  };

  return {
    saClmInitialize: (callbacks, version, connect) => initialize(1, callbacks, version, connect),
    saClmInitialize_4: (callbacks, version, connect) => initialize(4, callbacks, version, connect),

    async saClmSelectionObjectGet(clmHandle) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: SA_AIS_OK, selectionObject: handle.ais.selectionObject() };
    },

    async saClmDispatch(clmHandle, dispatchFlags) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.ais.dispatch(dispatchFlags as SaDispatchFlagsT) };
    },

    async saClmFinalize(clmHandle) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      handles.delete(clmHandle);
      return { rc: await handle.ais.finalize() };
    },

    async saClmClusterTrack(clmHandle, trackFlags, notificationBuffer) {
      return track(findOf(clmHandle, 1), trackFlags, notificationBuffer);
    },
    async saClmClusterTrack_4(clmHandle, trackFlags, notificationBuffer) {
      return track(findOf(clmHandle, 4), trackFlags, notificationBuffer);
    },

    async saClmClusterTrackStop(clmHandle) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (!handle.feed.active) return { rc: SA_AIS_ERR_NOT_EXIST };
      const { rc } = await handle.ais.request('trackStop', {});
      if (rc === SA_AIS_OK || rc === SA_AIS_ERR_NOT_EXIST) stopFeed(handle);
      return { rc };
    },

    async saClmClusterNotificationFree(clmHandle, notification) {
      return notificationFree(findOf(clmHandle, 1), notification);
    },
    async saClmClusterNotificationFree_4(clmHandle, notification) {
      return notificationFree(findOf(clmHandle, 4), notification);
    },

    async saClmClusterNodeGet(clmHandle, nodeId, timeout) {
      return nodeGet(findOf(clmHandle, 1), nodeId, timeout);
    },
    async saClmClusterNodeGet_4(clmHandle, nodeId, timeout) {
      return nodeGet(findOf(clmHandle, 4), nodeId, timeout);
    },

    async saClmClusterNodeGetAsync(clmHandle, invocation, nodeId) {
      const handle = find(clmHandle);
      expect64('invocation', invocation);
      expectNumber('nodeId', nodeId);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (invocation === 0n || nodeId === 0) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const callback = handle.callbacks.saClmClusterNodeGetCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      handle.ais.request('nodeGet', { nodeId }).then((reply) => {
        const node = nodeOf(reply);
        const isGood = reply.rc === SA_AIS_OK && node !== undefined;
        const clusterNode = isGood ? toClusterNode(node, true, handle.generation) : null;
        handle.ais.enqueue({ priority: 0, run: () => callback(invocation, clusterNode, reply.rc) });
      });
      return { rc: SA_AIS_OK };
    },
  };
}

/** `saClmClusterTrack` of either generation. */
async function track(
  handle: ClmHandle | SaAisErrorT,
  trackFlags: number,
  buffer: SaClmClusterNotificationBufferT | null | undefined,
): Promise<Rc> {
  expectNumber('trackFlags', trackFlags);
  if (typeof handle === 'number') return { rc: handle };
  const rc = checkTrackFlags(trackFlags, handle.generation);
  if (rc !== SA_AIS_OK) return { rc };
  const mode = modeOf(trackFlags);
  const local = isLocal(trackFlags);
  const wantsCurrent = (trackFlags & SA_TRACK_CURRENT) !== 0;
  const given = wantsCurrent ? (buffer ?? undefined) : undefined;
  if (given?.notification && given.numberOfItems === 0) return { rc: SA_AIS_ERR_INVALID_PARAM };
  const needsCallback = mode !== undefined || (wantsCurrent && given === undefined);
  if (needsCallback && !handle.callbacks.saClmClusterTrackCallback) return { rc: SA_AIS_ERR_INIT };

  // The current view first: a call that fails for want of space subscribes to nothing.
  if (mode === undefined || given !== undefined) {
    const reply = await handle.ais.request('current', { local });
    if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
    if (given !== undefined && !fits(given, viewOf(reply))) return { rc: SA_AIS_ERR_NO_SPACE };
    if (mode === undefined) return answerCurrent(handle, viewOf(reply), given);
  }
  const subscription = handle.feed.ask();
  const reply = await handle.ais.request('track', { mode, local, subscription });
  if (reply.rc !== SA_AIS_OK) {
    handle.feed.refuse(subscription);
    return { rc: reply.rc };
  }
  return subscribed(handle, subscription, reply, wantsCurrent, given);
}

/** The subscription stands; what was asked for as CURRENT comes before its first change. */
function subscribed(
  handle: ClmHandle,
  subscription: number,
  reply: Reply,
  wantsCurrent: boolean,
  given: SaClmClusterNotificationBufferT | undefined,
): Rc {
  let answer: Rc = { rc: SA_AIS_OK };
  handle.feed.begin(subscription, () => {
    if (wantsCurrent) answer = answerCurrent(handle, viewOf(reply), given);
  });
  return answer;
}

/** Into the caller's buffer, or by one callback. */
function answerCurrent(
  handle: ClmHandle,
  view: ViewReport,
  given: SaClmClusterNotificationBufferT | undefined,
): Rc {
  if (given === undefined) {
    queueTrackCallback(handle, view);
    return { rc: SA_AIS_OK };
  }
  if (!fits(given, view)) return { rc: SA_AIS_ERR_NO_SPACE };
  const notifications = toNotifications(view.nodes, handle.generation);
  given.viewNumber = view.viewNumber;
  given.numberOfItems = notifications.length;
  if (given.notification === null) given.notification = notifications;
  else given.notification.splice(0, notifications.length, ...notifications);
  return { rc: SA_AIS_OK };
}

/** Whether the caller's array is large enough; if not, it is told what would be. */
function fits(given: SaClmClusterNotificationBufferT, view: ViewReport): boolean {
  if (given.notification === null || given.notification === undefined) {
    given.notification = null;
    return true;
  }
  if (given.numberOfItems >= view.nodes.length) return true;
  given.numberOfItems = view.nodes.length;
  return false;
}

function queueTrackCallback(handle: ClmHandle, view: ViewReport): void {
  const { generation, callbacks } = handle;
  const callback = callbacks.saClmClusterTrackCallback;
  if (!callback) return;
  const buffer = toBuffer(view, generation);
  const run = (): void | Promise<void> =>
    generation === 1
      ? (callback as NonNullable<SaClmCallbacksT['saClmClusterTrackCallback']>)(
          buffer,
          view.memberCount,
          SA_AIS_OK,
        )
      : (callback as NonNullable<SaClmCallbacksT_4['saClmClusterTrackCallback']>)(
          buffer,
          view.memberCount,
          0n,
          null,
          null,
          SA_CLM_CHANGE_COMPLETED,
          SA_TIME_UNKNOWN,
          SA_AIS_OK,
        );
  handle.ais.enqueue({ priority: 0, owner: handle, run });
}

function stopFeed(handle: ClmHandle): void {
  handle.feed.end();
  handle.ais.dropCallbacks(handle);
}
