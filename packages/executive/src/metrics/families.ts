/**
 * The metrics by name: what an executive says of itself as families of Prometheus. Names are an interface, like
 * those of the events (docs/reference/metrics.md is compared with this table by a test). Counters of the parts that
 * have no name of their own here are in `ais_internal`, which promises nothing.
 */
import type { ExecutiveStatus } from '../status.ts';
import type { Family, HistogramValue, MetricType, Sample } from './exposition.ts';

/** What is measured beside the status. */
export interface Measured {
  readonly tokenRotation: HistogramValue;
  readonly syncDuration: HistogramValue;
  readonly loopDelay: LoopSeconds;
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  readonly cpuSeconds: number;
  readonly reload: { readonly success: boolean; readonly atSeconds: number } | undefined;
  /** Events of the log by level. */
  readonly events: Readonly<Record<string, number>>;
}

export interface LoopSeconds {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Named {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const counter = (name: string, help: string, labels?: Readonly<Record<string, string>>): Named => ({
  ...{ name, type: 'counter', help },
  ...(labels === undefined ? {} : { labels }),
});
const gauge = (name: string, help: string, labels?: Readonly<Record<string, string>>): Named => ({
  ...counter(name, help, labels),
  type: 'gauge',
});
const MESSAGES = 'Ordered packets of this ring.';
const DROPPED = 'Datagrams dropped before the ring, by reason.';

/** Counters of the parts with a stable name, as `part.counter`. */
export const NAMED: Readonly<Record<string, Named>> = {
  'ring.tokenVisits': counter('ais_totem_token_visits_total', 'Tokens accepted.'),
  'ring.tokenLosses': counter('ais_totem_token_losses_total', 'Tokens that did not come in time.'),
  'ring.tokenResends': counter('ais_totem_token_resends_total', 'Tokens sent again unchanged.'),
  'ring.messagesSent': counter('ais_totem_messages_total', MESSAGES, { direction: 'sent' }),
  'ring.messagesReceived': counter('ais_totem_messages_total', MESSAGES, { direction: 'received' }),
  'ring.messagesDelivered': counter('ais_totem_messages_total', MESSAGES, {
    direction: 'delivered',
  }),
  'ring.messagesResent': counter('ais_totem_retransmits_total', 'Packets sent again for others.'),
  'ring.resendsRequested': counter(
    'ais_totem_retransmit_requests_total',
    'Packets that were missing here.',
  ),
  'ring.gathers': counter('ais_totem_gathers_total', 'Times that the membership was agreed again.'),
  'ring.ringsFormed': counter('ais_totem_rings_formed_total', 'Rings that this node was part of.'),
  'ring.failedToReceive': counter(
    'ais_totem_failed_to_receive_total',
    'Nodes expelled because they do not receive.',
  ),
  'ring.pausesNoticed': counter(
    'ais_totem_pauses_total',
    'Times that this process did not run for long.',
  ),
  'ring.normalQueued': gauge('ais_totem_queue_packets', 'Packets that wait for the token.'),
  'groups.refused': counter('ais_totem_refused_total', 'Multicasts refused: the queue was full.'),
  'groups.messagesSent': counter('ais_group_messages_total', 'Group messages.', {
    direction: 'sent',
  }),
  'groups.messagesDelivered': counter('ais_group_messages_total', 'Group messages.', {
    direction: 'delivered',
  }),
  'udp.packetsSent': counter('ais_udp_packets_total', 'Datagrams.', { direction: 'sent' }),
  'udp.packetsReceived': counter('ais_udp_packets_total', 'Datagrams.', { direction: 'received' }),
  'udp.bytesSent': counter('ais_udp_bytes_total', 'Bytes of datagrams.', { direction: 'sent' }),
  'udp.bytesReceived': counter('ais_udp_bytes_total', 'Bytes of datagrams.', {
    direction: 'received',
  }),
  'udp.droppedUnlisted': counter('ais_udp_dropped_total', DROPPED, { reason: 'unlisted' }),
  'udp.droppedLength': counter('ais_udp_dropped_total', DROPPED, { reason: 'length' }),
  'udp.droppedNoTarget': counter('ais_udp_dropped_total', DROPPED, { reason: 'no-target' }),
  'udp.droppedSelf': counter('ais_udp_dropped_total', DROPPED, { reason: 'self' }),
  'udp.sendErrors': counter('ais_udp_send_errors_total', 'Datagrams that could not be sent.'),
  'host.messagesApplied': counter('ais_service_messages_total', 'Ordered messages applied.'),
  'host.messagesDropped': counter('ais_service_dropped_total', 'Ordered messages not usable.'),
  'host.requestsRefused': counter('ais_service_refused_total', 'Requests answered TRY_AGAIN.'),
  'host.requestsHeld': counter('ais_service_held_total', 'Requests that waited for room.'),
  'host.syncStarts': counter('ais_sync_starts_total', 'Synchronisations begun.'),
  'host.syncAborts': counter('ais_sync_aborts_total', 'Synchronisations cut by another change.'),
  'host.views': counter('ais_view_changes_total', 'Synchronised memberships.'),
  'host.diverged': counter('ais_service_diverged_total', 'Replicas found to differ.'),
  'host.servicesFailed': counter('ais_service_failures_total', 'Services stopped by a defect.'),
  'host.clients': gauge('ais_service_clients', 'Clients of the replicated services.'),
  'ipc.clients': gauge('ais_ipc_clients', 'Connections of clients.'),
  'ipc.accepted': counter('ais_ipc_connections_total', 'Connections, by outcome.', {
    outcome: 'accepted',
  }),
  'ipc.refused': counter('ais_ipc_connections_total', 'Connections, by outcome.', {
    outcome: 'refused',
  }),
  'ipc.malformed': counter('ais_ipc_connections_total', 'Connections, by outcome.', {
    outcome: 'malformed',
  }),
  'ipc.slow': counter('ais_ipc_connections_total', 'Connections, by outcome.', { outcome: 'slow' }),
  'ipc.requests': counter('ais_ipc_requests_total', 'Requests of clients.'),
  'ipc.replies': counter('ais_ipc_replies_total', 'Replies to clients.'),
  'ipc.callbacks': counter('ais_ipc_callbacks_total', 'Callbacks to clients.'),
  'ipc.callbacksDropped': counter('ais_ipc_callbacks_dropped_total', 'Callbacks not delivered.'),
};

const RING_STATES = ['down', 'gather', 'commit', 'recovery', 'operational', 'left'] as const;

export function familiesOf(status: ExecutiveStatus, measured: Measured): readonly Family[] {
  return [...condition(status), ...ring(status, measured), ...counters(status), ...usage(measured)];
}

const one = (type: MetricType, name: string, help: string, value: number): Family => ({
  ...{ name, type, help },
  samples: [{ value }],
});

function condition(status: ExecutiveStatus): readonly Family[] {
  const { version, node, quorum, view, services } = status;
  return [
    {
      name: 'ais_build_info',
      type: 'gauge',
      help: 'Always 1.',
      samples: [{ labels: { version, node_id: node.id, node: node.name }, value: 1 }],
    },
    one('gauge', 'ais_uptime_seconds', 'Since the start.', status.uptimeMs / 1000),
    one('gauge', 'ais_quorate', '1: this part of the cluster has quorum.', Number(quorum.quorate)),
    {
      name: 'ais_quorum_votes',
      type: 'gauge',
      help: 'Votes that are here and votes that are needed.',
      samples: [
        { labels: { type: 'present' }, value: quorum.votes },
        { labels: { type: 'needed' }, value: quorum.needed },
      ],
    },
    one('gauge', 'ais_synchronising', '1: services do not answer yet.', Number(view === null)),
    one('gauge', 'ais_members', 'Nodes of the synchronised membership.', view?.members.length ?? 0),
    {
      name: 'ais_service_state',
      type: 'gauge',
      help: '1 for the state that the service is in.',
      samples: services.map(({ name, state }) => ({ labels: { service: name, state }, value: 1 })),
    },
  ];
}

function ring(
  { ring: { state, id, links } }: ExecutiveStatus,
  measured: Measured,
): readonly Family[] {
  return [
    {
      name: 'ais_ring_state',
      type: 'gauge',
      help: '1 for the state that the ring is in.',
      samples: RING_STATES.map((name) => ({
        labels: { state: name },
        value: Number(name === state),
      })),
    },
    one('gauge', 'ais_ring_sequence', 'Rises with every ring.', Number(id.split('.')[1] ?? 0)),
    ...linkFamilies(links),
    {
      name: 'ais_totem_token_rotation_seconds',
      type: 'histogram',
      help: 'Between two tokens. Look at it beside ais_event_loop_delay_seconds.',
      samples: [{ value: measured.tokenRotation }],
    },
    {
      name: 'ais_event_loop_delay_seconds',
      type: 'gauge',
      help: 'How late the event loop is, since the scrape before.',
      samples: (['mean', 'p50', 'p99', 'max'] as const).map((statistic) => ({
        labels: { statistic },
        value: measured.loopDelay[statistic],
      })),
    },
    {
      name: 'ais_sync_duration_seconds',
      type: 'histogram',
      help: 'From a new ring until services answer.',
      samples: [{ value: measured.syncDuration }],
    },
  ];
}

type Links = ExecutiveStatus['ring']['links'];

/** Where there are several networks: each link of each peer. */
function linkFamilies(links: Links): readonly Family[] {
  const each = (measure: (link: Links[number]) => number): readonly Sample[] =>
    links.map((one) => ({ labels: { peer: one.peer, link: one.link }, value: measure(one) }));
  return [
    {
      ...{ name: 'ais_link_up', type: 'gauge', help: '1: the link to the peer answers.' },
      samples: each(({ state }) => Number(state === 'up')),
    },
    {
      ...{
        name: 'ais_link_rtt_seconds',
        type: 'gauge',
        help: 'From probe to answer; 0: not known.',
      },
      samples: each(({ rttMs }) => rttMs / 1000),
    },
    {
      ...{ name: 'ais_link_downs_total', type: 'counter', help: 'How often the link went down.' },
      samples: each(({ downs }) => downs),
    },
  ];
}

/** The counters of the parts: those with a name, then the rest. */
function counters({ counters: parts }: ExecutiveStatus): readonly Family[] {
  const named = new Map<string, { readonly entry: Named; readonly samples: Sample[] }>();
  const rest: Sample[] = [];
  for (const [part, values] of Object.entries(parts)) {
    for (const [name, value] of Object.entries(values)) {
      const entry = NAMED[`${part}.${name}`];
      if (entry === undefined) rest.push({ labels: { part, name }, value });
      else {
        const family = named.get(entry.name) ?? { entry, samples: [] };
        family.samples.push({ ...(entry.labels && { labels: entry.labels }), value });
        named.set(entry.name, family);
      }
    }
  }
  const families = [...named.values()].map(
    ({ entry: { name, type, help }, samples }): Family => ({ name, type, help, samples }),
  );
  const help = 'Counters without a stable name; they come and go with releases.';
  return [...families, { name: 'ais_internal', type: 'gauge', help, samples: rest }];
}

function usage(measured: Measured): readonly Family[] {
  const { memory, cpuSeconds, reload, events } = measured;
  return [
    one('gauge', 'process_resident_memory_bytes', 'Resident memory.', memory.rss),
    one('gauge', 'ais_heap_used_bytes', 'Objects of JavaScript.', memory.heapUsed),
    one('gauge', 'ais_external_bytes', 'Buffers outside of the heap.', memory.external),
    one('counter', 'process_cpu_seconds_total', 'Processor time, user and system.', cpuSeconds),
    {
      name: 'ais_log_events_total',
      type: 'counter',
      help: 'Events by level, shown or not.',
      samples: Object.entries(events).map(([level, value]) => ({ labels: { level }, value })),
    },
    ...(reload === undefined
      ? []
      : [
          one(
            'gauge',
            'ais_config_last_reload_success',
            '1: it was applied.',
            Number(reload.success),
          ),
          one('gauge', 'ais_config_last_reload_timestamp_seconds', 'When.', reload.atSeconds),
        ]),
  ];
}
