/**
 * The local service `quorum`: `getinfo`, `track` (then a callback `changed` for every change) and `trackStop`. Each
 * reply has `info`. Whoever may connect may ask; it answers without quorum and while the ring forms.
 */
import { SA_AIS_ERR_BAD_OPERATION, SA_AIS_OK } from '@aisexec/ais';
import type { ClientSink, QuorumState, View } from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import type { LocalService } from './backend.ts';

export interface QuorumSource {
  readonly nodeId: number;
  readonly provider: string;
  readonly state: QuorumState;
  /** The last synchronised view; undefined before the first. */
  readonly last: View | undefined;
  /** Synchronisation runs. */
  readonly forming: boolean;
}

export interface QuorumLocalService extends LocalService {
  /** The view or the filter's word has changed. */
  changed(): void;
}

export function createQuorumService(source: () => QuorumSource): QuorumLocalService {
  const trackers = new Set<ClientSink>();
  const info = () => {
    const { nodeId, provider, state, last, forming } = source();
    const { quorate, votes, needed, expected = 0, flags = [], nodes = [] } = state;
    return {
      ...{ provider, quorate, votes, needed, expected, flags, nodes, nodeId },
      ring: last === undefined || forming ? null : ringIdText(last.ringId),
      members: last?.members.map((member) => member.nodeId) ?? [],
    };
  };
  return {
    name: 'quorum',
    inspect: info,
    changed() {
      // A slow reader needs the last one only.
      const payload = info();
      const lost = { name: 'changed', payload };
      for (const sink of trackers) sink.callback('changed', payload, { lost });
    },
    connect: (sink) => ({
      request(request, fn) {
        if (fn === 'track') trackers.add(sink);
        else if (fn === 'trackStop') trackers.delete(sink);
        else if (fn !== 'getinfo') {
          sink.reply(request, { rc: SA_AIS_ERR_BAD_OPERATION });
          return;
        }
        sink.reply(request, { rc: SA_AIS_OK, info: info() });
      },
      disconnect: () => void trackers.delete(sink),
    }),
  };
}
