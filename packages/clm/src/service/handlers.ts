/** CLM's library and exec handlers (AIS B.4): reads are local, subscriptions are in the order. */
import { SA_AIS_ERR_NOT_EXIST, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import { execHandler, libHandler, type Source, s } from '@aisexec/service';
import {
  currentRequest,
  nodeGetRequest,
  SA_CLM_LOCAL_NODE_ID,
  trackRequest,
  trackStopRequest,
} from '../protocol.ts';
import { currentReport } from './changes.ts';
import { type ClmState, clientKey } from './state.ts';

export const lib = {
  current: libHandler({
    request: currentRequest,
    flow: 'local',
    handle: (state: ClmState, { local }, ctx) => {
      if (state.members.size === 0) return { rc: SA_AIS_ERR_TRY_AGAIN };
      return { rc: SA_AIS_OK, view: currentReport(state, local ? ctx.nodeId : undefined) };
    },
  }),

  nodeGet: libHandler({
    request: nodeGetRequest,
    flow: 'local',
    handle: (state: ClmState, { nodeId }, ctx) => {
      if (state.members.size === 0) return { rc: SA_AIS_ERR_TRY_AGAIN };
      const node = state.members.get(nodeId === SA_CLM_LOCAL_NODE_ID ? ctx.nodeId : nodeId);
      return node === undefined ? { rc: SA_AIS_ERR_NOT_EXIST } : { rc: SA_AIS_OK, node };
    },
  }),

  track: libHandler({
    request: trackRequest,
    flow: 'ordered',
    handle: (_state: ClmState, { mode, local, subscription }, ctx) => {
      ctx.multicast('track', { mode, local, subscription });
      return undefined;
    },
  }),

  trackStop: libHandler({
    request: trackStopRequest,
    flow: 'ordered',
    handle: (_state: ClmState, _request, ctx) => {
      ctx.multicast('trackStop', {});
      return undefined;
    },
  }),
};

export const exec = {
  track: execHandler({
    message: trackRequest,
    apply: (state: ClmState, { mode, local, subscription }, source, ctx) => {
      const client = clientOf(source);
      state.tracks.set(clientKey(client), { client, mode, local, subscription, since: null });
      const view = currentReport(state, local ? client.node : undefined);
      ctx.reply(source, { rc: SA_AIS_OK, view });
    },
  }),

  trackStop: execHandler({
    message: s.object({}),
    apply: (state: ClmState, _message, source, ctx) => {
      const existed = state.tracks.delete(clientKey(source));
      ctx.reply(source, { rc: existed ? SA_AIS_OK : SA_AIS_ERR_NOT_EXIST });
    },
  }),
};

function clientOf(source: Source): { node: number; connection: number } {
  return { node: source.node, connection: source.connection };
}
