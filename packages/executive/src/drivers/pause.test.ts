/** A process that slept, with a real socket under the ring: what waited there while it slept is stale (ADR 0014). */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createTotem, type RingTimer, ringDefaults } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import type { NodeConfig } from '../config/config.ts';
import { createTimers } from './timers.ts';
import { createUdpTransport } from './udp/udp.ts';

const JOIN = 3;
const TOKEN_MS = 400;
/** JOINs are doubtful for this long after waking: longer than any machine needs to read its socket. */
const JOIN_MS = 20_000;

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A ring on a real socket, with the JOINs it multicasts. */
async function ringOn(self: NodeConfig, nodes: readonly NodeConfig[], io: 'auto' | 'plain') {
  const joins: Uint8Array[] = [];
  const udp = await createUdpTransport({
    ...{ self, nodes, io },
    receive: (packet) => ring.receive(packet, performance.now()),
  });
  const timers = createTimers<RingTimer>({ fire: (name, now) => ring.timeout(name, now) });
  const { ring } = createTotem(
    ringDefaults({
      ...{ nodeId: self.id, ringSeq: 0, random: () => 0 },
      ...{ tokenMs: TOKEN_MS, joinMs: JOIN_MS },
    }),
    {
      unicast: (target, packet) => udp.unicast(target, packet),
      multicast(packet) {
        if (packet[3] === JOIN) joins.push(packet.slice());
        udp.multicast(packet);
      },
      setTimer: (name, delayMs) => timers.set(name, delayMs),
      cancelTimer: (name) => timers.cancel(name),
      storeRingId: () => {},
      trace: () => {},
    },
  );
  return {
    ...{ ring, udp, joins },
    async close() {
      timers.stop();
      await udp.close();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(['auto', 'plain'] as const)('a pause over io %s', (io) => {
  test('makes the JOIN that waited in the socket doubtful, and the ring goes on without it', async () => {
    const nodes = await Promise.all(
      [1, 2].map(async (id) => ({
        ...{ id, name: `n${id}`, address: '127.0.0.1', family: 'inet' as const },
        port: await freePort(),
      })),
    );
    const sleeper = await ringOn(nodes[0]!, nodes, io);
    sleeper.ring.start(performance.now());
    await until(() => sleeper.ring.state === 'operational');
    // The other one never gets further than its first JOIN.
    const stranger = await ringOn(nodes[1]!, nodes, io);
    const { gathers } = sleeper.ring.stats() as { gathers: number };
    stranger.ring.start(performance.now());
    stranger.ring.leave(performance.now());
    // The process sleeps: every thread of it, so nothing is read meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TOKEN_MS * 0.75);
    await until(() => sleeper.ring.stats()['drop.join-after-pause'] !== undefined);
    expect(stranger.joins.length).toBeGreaterThan(0);
    expect(sleeper.ring.stats()['pausesNoticed']).toBeGreaterThan(0);
    // A machine that let it sleep for longer than the token's time-out may have cost the token.
    const { gathers: later, tokenLosses } = sleeper.ring.stats() as Record<string, number>;
    expect(later! - tokenLosses!).toBe(gathers);
    expect(sleeper.ring.members).toEqual([1]);
    await Promise.all([sleeper.close(), stranger.close()]);
  });
});
