/**
 * Process groups (totempg, totem-wire §2): between the ring, which orders packets, and the users of
 * {@link GroupMessaging}, who send messages of up to 1 MiB to groups.
 *
 * Between a regular configuration and `syncComplete` only `sync` traffic flows, through a lane and an
 * assembly set of its own: normal messages that the change cut are sent anew afterwards.
 */
import { BufferPool } from '../buffer-pool.ts';
import {
  type Configuration,
  type Group,
  type GroupHandlers,
  type GroupMessaging,
  type GroupOptions,
  type Guarantee,
  MESSAGE_BYTES_MAX,
  type MessagingStats,
  type RingId,
  ringIdEquals,
} from '../contract.ts';
import type { Ring, RingClient } from '../ring.ts';
import { createAssembler, type DeliverPiece } from './assembler.ts';
import {
  encodeGroupHeader,
  groupHeaderLength,
  isCorosyncGroup,
  namesGroup,
} from './group-header.ts';
import { createLane, type Lane } from './lane.ts';
import { hasRoomAgain, QUEUE_LEVELS } from './levels.ts';
import { MESSAGE_POOL_BYTES_MAX, PACKETS_AHEAD_MAX } from './limits.ts';
import { createPacketHead, decodePacket } from './packet.ts';
import { hasStamp, STAMP_BYTES } from './stamp.ts';

export interface ProcessGroupsOptions {
  readonly nodeId: number;
  /** Largest packet the ring takes. */
  readonly payloadBytesMax: number;
  /** Packets that may wait in the ring's queue; default {@link PACKETS_AHEAD_MAX}. */
  readonly packetsAheadMax?: number;
}

export interface ProcessGroups {
  readonly messaging: GroupMessaging;
  /** What the ring is given as its layer above. */
  readonly client: RingClient;
  /** The ring below; once, before it starts. */
  attach(ring: Ring): void;
}

interface Member {
  readonly header: Uint8Array;
  readonly name: string;
  readonly handlers: GroupHandlers;
  readonly sync: boolean;
  /** Messages carry a stamp and never straddle configurations (ADR 0020). */
  readonly stamped: boolean;
  /** Waits for `drained`. */
  refused: boolean;
}

/** Smallest packet in which a message makes progress: the heads, and a byte. */
const PAYLOAD_BYTES_MIN = 64;
const PAYLOAD_BYTES_MAX = 65_535;

export function createProcessGroups(options: ProcessGroupsOptions): ProcessGroups {
  const { nodeId, payloadBytesMax, packetsAheadMax = PACKETS_AHEAD_MAX } = options;
  if (payloadBytesMax < PAYLOAD_BYTES_MIN || payloadBytesMax > PAYLOAD_BYTES_MAX) {
    throw new RangeError(`payloadBytesMax ${payloadBytesMax}: 64 to 65535 are allowed`);
  }
  const pool = new BufferPool(MESSAGE_POOL_BYTES_MAX);
  const shared = { payloadBytesMax, packetsAheadMax, pool };
  const normal = createLane({ traffic: 'normal', ...shared });
  const sync = createLane({ traffic: 'sync', ...shared });
  const counters = createCounters();
  const normalAssembler = createAssembler(counters, pool);
  const syncAssembler = createAssembler(counters, pool);
  const head = createPacketHead();
  /** Replaced, never changed: callbacks may join and leave while it is walked. */
  let members: readonly Member[] = [];
  let ring: Ring | undefined;
  let regular: Configuration | undefined;
  let transitional: Configuration | undefined;
  let syncing = false;
  /** The ring and the traffic class of the packet that is being delivered. */
  let packetRing: RingId = { rep: 0, seq: 0 };
  let packetLane = normal;

  const laneOf = (member: Member): Lane => (member.sync && syncing ? sync : normal);

  /** Packs and submits what may leave now. */
  const pump = (flush: boolean): void => {
    if (regular !== undefined) (syncing ? sync : normal).pump(regular.ringId.seq, flush);
  };

  const tellDrained = (): void => {
    for (const member of members) {
      if (!member.refused) continue;
      const lane = laneOf(member);
      if (!hasRoomAgain(lane.slotsUsed, lane.slots)) continue;
      member.refused = false;
      member.handlers.drained?.();
    }
  };

  const deliverTo = (member: Member, source: number, message: Uint8Array, header: number): void => {
    let start = header;
    if (member.stamped) {
      if (!hasStamp(packetRing.seq, message, header)) {
        counters.staleDropped++;
        return;
      }
      start += STAMP_BYTES;
    }
    counters.messagesDelivered++;
    member.handlers.deliver({
      group: member.name,
      source,
      ringId: packetRing,
      bytes: message.subarray(start),
    });
  };

  const deliverMessage: DeliverPiece = (source, message, doubtful): void => {
    const header = groupHeaderLength(message);
    if (header === 0) {
      counters.headersDropped++;
      return;
    }
    if (source === nodeId) packetLane.acknowledge(message);
    for (const member of members) {
      if (!namesGroup(message, member.header)) continue;
      // A stamp tells alone what belongs to the ring; without one, all must drop what Corosync drops.
      if (doubtful && !member.stamped) counters.doubtfulDropped++;
      else deliverTo(member, source, message, header);
    }
  };

  const client: RingClient = {
    deliver(source, payload, ringId) {
      counters.packetsReceived++;
      if (decodePacket(payload, head) !== undefined) {
        counters.packetsDropped++;
        return;
      }
      packetRing = ringId;
      packetLane = syncing ? sync : normal;
      (syncing ? syncAssembler : normalAssembler).receive(source, payload, head, deliverMessage);
      tellDrained();
    },
    configuration(configuration) {
      if (configuration.type === 'transitional') {
        transitional = configuration;
      } else {
        // Who does not go on together with us cannot finish here what it began in the old ring.
        const together = transitional?.members ?? configuration.members;
        normalAssembler.retain(together);
        syncAssembler.retain(together);
        transitional = undefined;
        regular = configuration;
        syncing = true;
        counters.configurations++;
        counters.sentAgain += normal.restart(normalAssembler.lastOf(nodeId), 'again');
        counters.syncDropped += sync.restart(syncAssembler.lastOf(nodeId), 'dropped');
      }
      for (const member of members) member.handlers.configuration(configuration);
      tellDrained();
    },
    tokenArrived() {
      pump(true);
      tellDrained();
    },
    packetsWaiting: () => normal.packetsWaiting,
  };

  const join = (name: string, handlers: GroupHandlers, groupOptions: GroupOptions = {}): Group => {
    const header = encodeGroupHeader(name);
    if (members.some((member) => member.name === name)) {
      throw new Error(`group ${name} is joined already on node ${nodeId}`);
    }
    const { straddling = isCorosyncGroup(name) ? 'deliver' : 'resend' } = groupOptions;
    if (straddling === 'resend' && isCorosyncGroup(name)) {
      throw new RangeError(`group ${name} is Corosync's: its messages carry no stamp`);
    }
    const member: Member = {
      header,
      name,
      handlers,
      sync: groupOptions.traffic === 'sync',
      stamped: straddling === 'resend',
      refused: false,
    };
    members = [...members, member];
    if (regular !== undefined) handlers.configuration(regular);
    if (transitional !== undefined) handlers.configuration(transitional);
    return {
      multicast: (parts, guarantee) => multicast(member, parts, guarantee),
      leave() {
        members = members.filter((other) => other !== member);
      },
    };
  };

  const multicast = (
    member: Member,
    parts: readonly Uint8Array[],
    guarantee: Guarantee,
  ): boolean => {
    let length = 0;
    for (const part of parts) length += part.length;
    if (length > MESSAGE_BYTES_MAX) {
      throw new RangeError(`message of ${length} bytes, at most ${MESSAGE_BYTES_MAX} are allowed`);
    }
    if (!laneOf(member).offer(member.header, member.stamped, parts, length, guarantee)) {
      counters.refused++;
      member.refused = true;
      return false;
    }
    counters.messagesSent++;
    pump(false);
    return true;
  };

  const messaging: GroupMessaging = {
    nodeId,
    join,
    syncComplete(ringId) {
      if (!syncing || regular === undefined || !ringIdEquals(ringId, regular.ringId)) return;
      syncing = false;
      ring?.syncComplete(ringId);
      pump(false);
      tellDrained();
    },
    stats: (): MessagingStats => ({
      ...counters,
      groups: members.length,
      packetsSent: normal.packetsSent + sync.packetsSent,
      queueSlots: normal.slots,
      queueSlotsUsed: normal.slotsUsed,
      queueLevel: QUEUE_LEVELS.indexOf(normal.level),
      syncQueueSlotsUsed: sync.slotsUsed,
      syncQueueLevel: QUEUE_LEVELS.indexOf(sync.level),
      messageBuffersMade: pool.made,
      openAssemblies: normalAssembler.open + syncAssembler.open,
    }),
  };

  return {
    messaging,
    client,
    attach(attached) {
      ring = attached;
      normal.attach(attached);
      sync.attach(attached);
    },
  };
}

function createCounters() {
  return {
    messagesSent: 0,
    messagesDelivered: 0,
    packetsReceived: 0,
    /** Packets that are no totempg packets. */
    packetsDropped: 0,
    /** Messages without a valid group header. */
    headersDropped: 0,
    tailsDropped: 0,
    beginningsDropped: 0,
    oversizeDropped: 0,
    /** Whole messages without a stamp that Corosync's receivers drop with the end of a cut one. */
    doubtfulDropped: 0,
    /** Messages stamped for an earlier ring; their sender sends them again. */
    staleDropped: 0,
    /** Our messages that did not come back before the next configuration. */
    sentAgain: 0,
    /** Synchronisation messages that a new configuration made pointless. */
    syncDropped: 0,
    /** `multicast` returned false. */
    refused: 0,
    configurations: 0,
  };
}
