/** Exec handlers of watches: they begin and end at a place of the total order, on every member (ADR 0115). */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import { WATCHES_PER_CHECKPOINT_MAX } from '../limits.ts';
import { type OrderedRequests, SA_CKPT_CHECKPOINT_READ } from '../protocol.ts';
import { access } from './access.ts';
import type { Change, Changes } from './handlers.ts';
import { watchKey } from './state.ts';

const watch: Change<OrderedRequests['watch']> = {
  withoutQuorum: true,
  role: () => 'reader',
  apply: (state, { handle, serial, sectionId: section, data }, source, ctx) => {
    const found = access(state, source, handle, { right: SA_CKPT_CHECKPOINT_READ, data: false });
    if (found.checkpoint === undefined) return found;
    const { watches } = found.checkpoint;
    const key = watchKey(source, handle, serial);
    if (watches.has(key)) return { rc: SA_AIS_ERR_EXIST };
    if (watches.size >= WATCHES_PER_CHECKPOINT_MAX) return { rc: SA_AIS_ERR_NO_RESOURCES };
    const client = { node: source.node, connection: source.connection };
    watches.set(key, { client, handle, serial, section, data });
    return { rc: SA_AIS_OK, order: ctx.order };
  },
};

const unwatch: Change<OrderedRequests['unwatch']> = {
  withoutQuorum: true,
  role: () => 'reader',
  apply: (state, { handle, serial }, source) => {
    const found = access(state, source, handle, { data: false });
    if (found.checkpoint === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
    const ended = found.checkpoint.watches.delete(watchKey(source, handle, serial));
    return { rc: ended ? SA_AIS_OK : SA_AIS_ERR_NOT_EXIST };
  },
};

export const watchChanges: Changes = { watch, unwatch };
