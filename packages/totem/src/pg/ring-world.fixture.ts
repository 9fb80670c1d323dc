/**
 * Several nodes on rings that keep Totem's promises and do nothing else: one log of packets per ring,
 * delivered at each node's own pace; on a change everybody who goes on together delivers the same
 * remainder, complete for senders among them and cut anywhere for the others.
 */
import type { Guarantee, RingId } from '../contract.ts';
import type { Ring } from '../ring.ts';
import { createProcessGroups, type ProcessGroups } from './process-groups.ts';

interface Packet {
  readonly source: number;
  readonly payload: Uint8Array;
  readonly guarantee: Guarantee;
}
type Entry = Packet | 'sync-complete';

interface RingLog {
  readonly ringId: RingId;
  readonly members: readonly number[];
  readonly entries: Entry[];
}

export interface WorldNode {
  readonly id: number;
  pg: ProcessGroups;
  ring: RingLog | undefined;
  delivered: number;
  syncing: boolean;
  readonly queues: { normal: Packet[]; sync: Packet[] };
}

export interface WorldOptions {
  readonly nodes: readonly number[];
  readonly payloadBytesMax: number;
  readonly queueSlots?: number;
  readonly packetsAheadMax?: number;
  /** Called for each fresh node, at the beginning and after a restart. */
  readonly setUp: (node: WorldNode) => void;
}

export type World = ReturnType<typeof createRingWorld>;

export function createRingWorld(options: WorldOptions) {
  const { payloadBytesMax, queueSlots = 1000 } = options;
  const nodes = new Map<number, WorldNode>();
  let ringSeq = 0;

  const makeRing = (node: WorldNode): Ring => ({
    nodeId: node.id,
    submit(payload, guarantee, traffic) {
      if (payload.length > payloadBytesMax) throw new Error(`packet of ${payload.length} bytes`);
      const queue = node.queues[traffic];
      if (queue.length >= queueSlots) return false;
      queue.push({ source: node.id, payload: payload.slice(), guarantee });
      return true;
    },
    room: (traffic) => queueSlots - node.queues[traffic].length,
    withdraw(traffic) {
      node.queues[traffic].length = 0;
    },
    syncComplete() {
      node.syncing = false;
    },
    stats: () => ({}),
  });

  const boot = (id: number): WorldNode => {
    const { packetsAheadMax } = options;
    const pg = createProcessGroups({
      nodeId: id,
      payloadBytesMax,
      ...(packetsAheadMax === undefined ? {} : { packetsAheadMax }),
    });
    const node: WorldNode = {
      id,
      pg,
      ring: undefined,
      delivered: 0,
      syncing: true,
      queues: { normal: [], sync: [] },
    };
    pg.attach(makeRing(node));
    nodes.set(id, node);
    options.setUp(node);
    return node;
  };
  for (const id of options.nodes) boot(id);

  const get = (id: number): WorldNode => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  };

  const deliverEntry = (node: WorldNode, ring: RingLog, entry: Entry): void => {
    if (entry === 'sync-complete') node.pg.messaging.syncComplete(ring.ringId);
    else {
      const payload = entry.payload.slice();
      node.pg.client.deliver(entry.source, payload, ring.ringId, entry.guarantee);
      payload.fill(0xee); // valid during the call only
    }
  };

  /** The remainder of an old ring for those of its members that go on together. */
  const finishOldRing = (ring: RingLog, together: readonly WorldNode[], cut: number): void => {
    const ids = together.map((node) => node.id).sort((a, b) => a - b);
    const seen = Math.max(...together.map((node) => node.delivered));
    const known = seen + Math.floor(cut * (ring.entries.length - seen + 1));
    for (const node of together) {
      while (node.delivered < known && node.delivered < ring.entries.length) {
        deliverEntry(node, ring, ring.entries[node.delivered++] as Entry);
      }
      node.pg.client.configuration({
        type: 'transitional',
        ringId: ring.ringId,
        members: ids,
        left: ring.members.filter((id) => !ids.includes(id)),
        joined: [],
      });
      for (const entry of ring.entries.slice(known)) {
        if (entry !== 'sync-complete' && ids.includes(entry.source))
          deliverEntry(node, ring, entry);
      }
    }
  };

  return {
    nodes,
    get,
    restart: (id: number) => boot(id),
    /** The token visits a node: it may send so many packets. */
    token(id: number, allowed: number) {
      const node = get(id);
      if (node.ring === undefined) return;
      node.pg.client.tokenArrived();
      const queue = node.syncing ? node.queues.sync : node.queues.normal;
      node.ring.entries.push(...queue.splice(0, allowed));
    },
    deliver(id: number, count: number) {
      const node = get(id);
      const { ring } = node;
      for (let i = 0; ring !== undefined && i < count; i++) {
        if (node.delivered >= ring.entries.length) return;
        deliverEntry(node, ring, ring.entries[node.delivered++] as Entry);
      }
    },
    /** Synchronisation is over at this place of the order of the node's ring. */
    syncComplete(id: number) {
      get(id).ring?.entries.push('sync-complete');
    },
    /** New rings. `cut` in 0..1: how much of what strangers sent last is still received. */
    reconfigure(components: readonly (readonly number[])[], cut: number) {
      for (const component of components) {
        const joining = component.map(get);
        const oldRings = new Set(joining.map((node) => node.ring));
        const members = [...component].sort((a, b) => a - b);
        ringSeq += 4;
        const log: RingLog = {
          ringId: { rep: members[0] as number, seq: ringSeq },
          members,
          entries: [],
        };
        for (const old of oldRings) {
          const together = joining.filter((node) => node.ring === old);
          if (old !== undefined) finishOldRing(old, together, cut);
          for (const node of together) {
            node.ring = log;
            node.delivered = 0;
            node.syncing = true;
            const ids = old === undefined ? [node.id] : together.map((other) => other.id);
            node.pg.client.configuration({
              type: 'regular',
              ringId: log.ringId,
              members,
              left: [],
              joined: members.filter((id) => !ids.includes(id)),
            });
          }
        }
      }
    },
    /** Tokens and deliveries until nothing moves. */
    settle() {
      for (let quiet = 0; quiet < 3; ) {
        let moved = 0;
        for (const node of nodes.values()) {
          const before = node.ring?.entries.length ?? 0;
          this.token(node.id, 17);
          moved += (node.ring?.entries.length ?? 0) - before;
        }
        for (const node of nodes.values()) {
          moved += (node.ring?.entries.length ?? 0) - node.delivered;
          this.deliver(node.id, Number.MAX_SAFE_INTEGER);
        }
        quiet = moved === 0 ? quiet + 1 : 0;
      }
    },
  };
}
