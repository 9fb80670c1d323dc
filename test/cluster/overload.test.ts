/** What grows when everybody sends more than the ring takes: nothing. Counters, not times (the bench is overload.mjs). */
import { EventService } from '@aisexec/evt';
import { socketConnector } from '@aisexec/ipc';
import { describe, expect, jest } from '@jest/globals';
import { ringTest, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

const EVENTS_PER_NODE = 500;
const EVENT_BYTES = 60_000;
/** Under way at every node: twice what its queue holds. */
const UNDER_WAY = 140;
/**
 * Buffers that a node may have made: what waits for the token (128 packets), what its pass through the ring takes
 * (a window and what of it is not yet known to be everywhere, of every sender), each in two sizes.
 */
const PACKET_BUFFERS_MAX = 512;
const MESSAGE_BUFFERS_MAX = 256;

interface Status {
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

describe('three real executives under overload', () => {
  const cluster = useCluster({ nodes: 3 });

  ringTest('reuse their buffers, whatever goes through them', async () => {
    await Promise.all(cluster.nodes.map(({ socket }) => publish(socket)));
    for (const { socket } of cluster.nodes) {
      const { ring, groups } = await countersOf(socket);
      // Many more packets than buffers, or this says nothing.
      expect(ring!['messagesReceived']).toBeGreaterThan(4 * PACKET_BUFFERS_MAX);
      expect(ring!['packetBuffersMade']).toBeLessThan(PACKET_BUFFERS_MAX);
      expect(groups!['messageBuffersMade']).toBeLessThan(MESSAGE_BUFFERS_MAX);
      expect(groups!['queueSlotsUsed']).toBeLessThanOrEqual(groups!['queueSlots']!);
    }
  });
});

async function publish(socket: string): Promise<void> {
  await using service = await EventService.connect({ socket });
  const channel = await service.open('overload', { create: true, publisher: true });
  const data = new Uint8Array(EVENT_BYTES);
  let left = EVENTS_PER_NODE;
  const one = async (): Promise<void> => {
    while (left-- > 0) await channel.publish({ data });
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, one));
}

async function countersOf(socket: string): Promise<Status['counters']> {
  const connection = await socketConnector(socket).connect('admin');
  const { status } = await connection.request('status', {});
  await connection.close();
  return (status as Status).counters;
}
