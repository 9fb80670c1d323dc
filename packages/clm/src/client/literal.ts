/**
 * The literal AIS layer: every function of AIS CLM under its own name, in both generations (B.01 and
 * B.04), with its result codes. AIS conditions are result codes; only a wrong JavaScript type throws, a
 * TypeError.
 */
import {
  type HandleTable,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  type SaAisErrorT,
  type SaDispatchFlagsT,
  type SaVersionT,
} from '@aisexec/ais';
import {
  type ConnectOptions,
  createHandleTable,
  expect64,
  expectCallbacks,
  expectNumber,
  expectTime,
} from '@aisexec/ipc';
import type { ChangedEvent, StepResponse } from '../protocol.ts';
import { withinTimeout } from './arguments.ts';
import {
  SA_CLM_CALLBACK_RESPONSE_ERROR,
  SA_CLM_CALLBACK_RESPONSE_OK,
  SA_CLM_CALLBACK_RESPONSE_REJECTED,
} from './constants.ts';
import { type Generation, nodeOf, toClusterNode } from './convert.ts';
import { ClmHandle } from './handle.ts';
import { track } from './literal-track.ts';
import type {
  Rc,
  SaClm,
  SaClmCallbacksT,
  SaClmCallbacksT_4,
  SaClmClusterNodeT_4,
  SaClmHandleT,
} from './literal-types.ts';
import { openClm } from './open.ts';

const RESPONSES: Readonly<Record<number, StepResponse>> = {
  [SA_CLM_CALLBACK_RESPONSE_OK]: 'ok',
  [SA_CLM_CALLBACK_RESPONSE_REJECTED]: 'rejected',
  [SA_CLM_CALLBACK_RESPONSE_ERROR]: 'error',
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
    const callbacks = expectCallbacks(clmCallbacks) as SaClmCallbacksT & SaClmCallbacksT_4;
    let handle: ClmHandle | undefined;
    const onChanged = (event: ChangedEvent) => handle?.feed.receive(event);
    const opened = await openClm({ generation, version, connect, onChanged });
    if (opened.ais === undefined) {
      const { rc } = opened;
      const isStale = rc === SA_AIS_ERR_UNAVAILABLE && generation === 1;
      return { rc: isStale ? SA_AIS_ERR_LIBRARY : rc };
    }
    const { ais, admission } = opened;
    handle = new ClmHandle({ ais, generation, callbacks, admission });
    return { rc: SA_AIS_OK, clmHandle: handles.add(handle) };
  };

  const nodeGet = async (
    handle: ClmHandle | SaAisErrorT,
    nodeId: number,
    timeout: bigint,
  ): Promise<Rc & { clusterNode?: SaClmClusterNodeT_4 }> => {
    expectNumber('nodeId', nodeId);
    expectTime('timeout', timeout);
    if (typeof handle === 'number') return { rc: handle };
    if (nodeId === 0 || timeout < 0n) return { rc: SA_AIS_ERR_INVALID_PARAM };
    const reply = await withinTimeout(handle.ask('nodeGet', { nodeId }), timeout);
    const node = nodeOf(reply);
    if (reply.rc !== SA_AIS_OK || node === undefined) return { rc: reply.rc };
    return { rc: SA_AIS_OK, clusterNode: toClusterNode(node, true, handle.generation) };
  };

  const notificationFree = async (
    handle: ClmHandle | SaAisErrorT,
    notification: unknown,
  ): Promise<Rc> => {
    if (notification === null || notification === undefined) {
      return { rc: SA_AIS_ERR_INVALID_PARAM };
    }
    return { rc: typeof handle === 'number' ? handle : await handle.standing() };
  };

  return {
    saClmInitialize: (callbacks, version, connect) => initialize(1, callbacks, version, connect),
    saClmInitialize_4: (callbacks, version, connect) => initialize(4, callbacks, version, connect),

    async saClmSelectionObjectGet(clmHandle) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = await handle.standing();
      return rc === SA_AIS_OK ? { rc, selectionObject: handle.ais.selectionObject() } : { rc };
    },

    async saClmDispatch(clmHandle, dispatchFlags) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.dispatch(dispatchFlags as SaDispatchFlagsT) };
    },

    async saClmFinalize(clmHandle) {
      const handle = find(clmHandle);
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      handles.delete(clmHandle);
      // A stale handle is gone after this like any other; that it was stale is LIBRARY (AIS B.0).
      const standing = await handle.standing();
      const rc = await handle.ais.finalize();
      return { rc: standing === handle.staleCode ? SA_AIS_ERR_LIBRARY : rc };
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
      if (!handle.feed.active) {
        const rc = await handle.standing();
        return { rc: rc === SA_AIS_OK ? SA_AIS_ERR_NOT_EXIST : rc };
      }
      const { rc } = await handle.ask('trackStop', {});
      if (rc === SA_AIS_OK || rc === SA_AIS_ERR_NOT_EXIST) handle.stopTracking();
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
      const rc = await handle.standing();
      if (rc !== SA_AIS_OK) return { rc };
      handle.ask('nodeGet', { nodeId }).then((reply) => {
        const node = nodeOf(reply);
        const isGood = reply.rc === SA_AIS_OK && node !== undefined;
        const clusterNode = isGood ? toClusterNode(node, true, handle.generation) : null;
        handle.ais.enqueue({ priority: 0, run: () => callback(invocation, clusterNode, reply.rc) });
      });
      return { rc: SA_AIS_OK };
    },

    async saClmResponse_4(clmHandle, invocation, response) {
      const handle = findOf(clmHandle, 4);
      expect64('invocation', invocation);
      expectNumber('response', response);
      if (typeof handle === 'number') return { rc: handle };
      const answer = RESPONSES[response];
      if (answer === undefined || invocation <= 0n) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const { rc } = await handle.ask('respond', { invocation, response: answer });
      return { rc };
    },
  };
}
