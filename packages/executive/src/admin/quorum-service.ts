/**
 * The local service `quorum`: `getinfo`, `track` (then a callback `changed` for every change) and `trackStop`. Each
 * reply has `info`. Whoever may connect may ask; it answers without quorum and while the ring forms.
 */
import { SA_AIS_ERR_BAD_OPERATION, SA_AIS_OK } from '@aisexec/ais';
import type { ClientSink, QuorumFilter, ServiceHost, View } from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import type { LocalService } from './backend.ts';

/** The executive's condition as to quorum, in its status and here. */
export function quorumStatus({ name: provider, state }: QuorumFilter) {
  const { quorate, votes, needed, expected = 0, flags = [], nodes = [] } = state;
  return { provider, quorate, votes, needed, expected, flags, nodes };
}

export function createQuorumService(
  nodeId: number,
  filter: QuorumFilter,
  host: ServiceHost,
): LocalService {
  const trackers = new Set<ClientSink>();
  /** The last synchronised view. */
  let last: View | undefined;
  const info = () => {
    return {
      ...{ ...quorumStatus(filter), nodeId },
      ring: last === undefined || host.view === undefined ? null : ringIdText(last.ringId),
      members: last?.members.map((member) => member.nodeId) ?? [],
    };
  };
  host.onView((view) => {
    last = view;
    // A slow reader needs the last one only.
    const payload = info();
    const lost = { name: 'changed', payload };
    for (const sink of trackers) sink.callback('changed', payload, { lost });
  });
  return {
    name: 'quorum',
    role: 'reader',
    inspect: info,
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
