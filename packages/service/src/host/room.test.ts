import { describe, expect, test } from '@jest/globals';
import { ORDER_QUEUE_NS, UNORDERED_COST_MAX, UNORDERED_COST_MIN } from '../limits.ts';
import { Room } from './room.ts';

const MS = 1_000_000;

/** A ring that carries so many bytes in a millisecond, one message after the other, and takes `idle` for each besides. */
function ringOf(bytesPerMs: number, { idleMs = 1, messageBytes = 1_000 } = {}) {
  let now = 0;
  let free = 0;
  const room = new Room(() => BigInt(Math.round(now)));
  const back: number[] = [];
  const cost = () => back.length * messageBytes;
  return {
    room,
    /** A client that sends as much as it may, for so many messages. @returns the longest wait in its queue in ms. */
    flood(messages: number): number {
      let longest = 0;
      for (let sent = 0; sent < messages || back.length > 0; ) {
        while (sent < messages && cost() < room.cost) {
          room.sent();
          sent++;
          free = Math.max(now, free) + (messageBytes / bytesPerMs) * MS;
          longest = sent > messages / 2 ? Math.max(longest, free - now) : 0;
          back.push(free + idleMs * MS);
        }
        now = Math.max(now, back.shift()!);
        room.ordered();
        if (back.length === 0) room.empty();
      }
      return longest / MS;
    },
    slower(factor: number) {
      idleMs *= factor;
    },
  };
}

describe('what may be under way', () => {
  test('is all of it where the ring carries it at once', () => {
    const { room, flood } = ringOf(1_000_000);
    expect(flood(50_000)).toBeLessThan(3);
    expect(room.cost).toBe(UNORDERED_COST_MAX);
  });

  test('is what a slower ring carries in a few milliseconds', () => {
    const { room, flood } = ringOf(100_000);
    const longest = flood(200_000);
    expect(longest).toBeGreaterThan(ORDER_QUEUE_NS / MS / 2);
    expect(longest).toBeLessThan((2 * ORDER_QUEUE_NS) / MS);
    expect(room.cost).toBeLessThan(UNORDERED_COST_MAX / 2);
  });

  test('is never less than a ring needs, however slow', () => {
    const { room, flood } = ringOf(1_000);
    flood(20_000);
    expect(room.cost).toBe(UNORDERED_COST_MIN);
  });

  test('grows again when the ring is as quick as before', () => {
    const { room } = ringOf(1);
    let now = 0n;
    const watched = new Room(() => now);
    for (const took of [1, 50, 50, 50]) {
      watched.sent();
      now += BigInt(took * MS);
      watched.ordered();
    }
    expect(watched.cost).toBeLessThan(UNORDERED_COST_MAX / 4);
    for (let i = 0; i < 30; i++) {
      watched.sent();
      now += BigInt(MS);
      watched.ordered();
    }
    expect(watched.cost).toBe(UNORDERED_COST_MAX);
    expect(room.cost).toBe(UNORDERED_COST_MAX);
  });

  test('does not shrink for a ring that has become slower for good', () => {
    const ring = ringOf(1_000_000);
    ring.flood(5_000);
    ring.slower(20);
    ring.flood(3_000_000);
    expect(ring.room.cost).toBe(UNORDERED_COST_MAX);
  });
});
