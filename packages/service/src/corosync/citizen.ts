/**
 * What makes a node a citizen of a Corosync ring: group `a` with its services, each with its step in
 * Corosync's synchronisation. The host runs the steps (HostOptions.participants); everything that leaves
 * goes through one gate, which no malformed message passes (totem-wire §4.7).
 */
import type { Group, GroupMessage, GroupMessaging, RingId } from '@aisexec/totem';
import { invariant } from '../invariant.ts';
import { SERVICE_ID_MAX } from '../limits.ts';
import type { SyncParticipant, SyncStart } from '../sync/engine.ts';
import type { CorosyncBus, CorosyncService } from './contract.ts';
import { decodeExecHeader } from './exec-message.ts';

/** Group of Corosync's services. */
export const COROSYNC_GROUP = 'a';

export interface CitizenOptions {
  readonly messaging: GroupMessaging;
  /** Made on the bus they will use. */
  readonly services: (bus: CorosyncBus) => readonly CorosyncService[];
  /** A message was ignored. */
  readonly dropped: (reason: string, source: number) => void;
}

export interface Citizen {
  readonly services: readonly CorosyncService[];
  /** For {@link HostOptions.participants}. */
  readonly participants: readonly SyncParticipant[];
  stats(): Readonly<Record<string, number>>;
}

/** @throws InvariantError when two services share an id, or one is out of range. */
export function createCitizen(options: CitizenOptions): Citizen {
  const { messaging, dropped } = options;
  const counters = {
    messagesSent: 0,
    messagesDelivered: 0,
    messagesDropped: 0,
    messagesForeign: 0,
  };
  let group: Group | undefined;
  /** Wakes the synchronisation that waits for room. */
  let proceed: (() => void) | undefined;

  const bus: CorosyncBus = {
    nodeId: messaging.nodeId,
    multicast(message, guarantee = 'agreed', rest = undefined) {
      const bytes = message.length + (rest?.length ?? 0);
      const header = decodeExecHeader(message, bytes);
      invariant(header !== undefined && byId.has(header.service), 'exec message', { bytes });
      const parts = rest === undefined ? [message] : [message, rest];
      if (group?.multicast(parts, guarantee) !== true) return false;
      counters.messagesSent++;
      return true;
    },
  };
  const services = options.services(bus);
  const byId = new Map<number, CorosyncService>();
  for (const service of services) {
    const { id } = service;
    const valid = Number.isInteger(id) && id >= 0 && id <= SERVICE_ID_MAX && !byId.has(id);
    invariant(valid, 'Corosync service id', { id });
    byId.set(id, service);
  }

  function deliver({ source, bytes }: GroupMessage): void {
    const header = decodeExecHeader(bytes);
    const service = header === undefined ? undefined : byId.get(header.service);
    if (header !== undefined && service === undefined) {
      // A service that only the C daemons have, like cmap.
      counters.messagesForeign++;
      return;
    }
    const reason =
      header === undefined ? 'malformed exec message' : service!.deliver(header.fn, source, bytes);
    if (reason === undefined) counters.messagesDelivered++;
    else {
      counters.messagesDropped++;
      dropped(reason, source);
    }
  }

  group = messaging.join(
    COROSYNC_GROUP,
    {
      deliver,
      configuration(change) {
        if (change.type === 'regular') for (const service of services) service.suspended?.();
      },
      drained() {
        proceed?.();
        for (const service of services) service.drained?.();
      },
    },
    { traffic: 'sync' },
  );

  const participantOf = (service: CorosyncService): SyncParticipant[] => {
    const { sync } = service;
    if (sync === undefined) return [];
    return [
      {
        id: service.id,
        init(start: SyncStart) {
          proceed = start.proceed;
          sync.init(start);
        },
        work: () => sync.work(),
        activate: () => sync.activate(),
        abort: () => sync.abort(),
        completed: (ringId: RingId) => service.resumed?.(ringId),
      },
    ];
  };

  return {
    services,
    participants: services.flatMap(participantOf),
    stats: () => ({ ...counters }),
  };
}
