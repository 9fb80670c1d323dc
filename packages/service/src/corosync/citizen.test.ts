import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from '../invariant.ts';
import { createSyncEngine } from '../sync/engine.ts';
import { createMemoryBus } from '../testing/memory-bus.ts';
import { createCfgService } from './cfg.ts';
import { createCitizen } from './citizen.ts';
import type { CorosyncBus } from './contract.ts';
import { createExecMessage, decodeExecHeader } from './exec-message.ts';
import {
  createVotequorum,
  decodeNodeInfo,
  encodeExpected,
  encodeNodeInfo,
  type VoteOptions,
  type Votequorum,
} from './votequorum.ts';

/** Citizens that vote, on a memory bus. */
function createWorld(options: Partial<VoteOptions> & { readonly votes?: number } = {}) {
  const bus = createMemoryBus({ seed: 3 });
  const quorums = new Map<number, Votequorum>();
  const buses = new Map<number, CorosyncBus>();
  const killed: string[] = [];
  const dropped: string[] = [];
  const world = {
    bus,
    buses,
    killed,
    dropped,
    start(node: number, expectedVotes = 3) {
      const messaging = bus.start(node);
      const citizen = createCitizen({
        messaging,
        dropped: (reason) => void dropped.push(reason),
        services: (own) => {
          buses.set(node, own);
          const votes = { votes: 1, expectedVotes, twoNode: false, waitForAll: false, ...options };
          const votequorum = createVotequorum(own, votes);
          quorums.set(node, votequorum);
          const cfg = createCfgService(own, (by) => void killed.push(`${node} by ${by}`));
          return [cfg, votequorum.service];
        },
      });
      createSyncEngine({
        messaging,
        participants: citizen.participants,
        started: () => {},
        completed: () => {},
        dropped: (reason) => void dropped.push(reason),
      });
    },
    run() {
      while (bus.step());
    },
    state: (node: number) => quorums.get(node)!.filter.state,
  };
  return world;
}

describe('exec messages', () => {
  test('have the size and the id that a C daemon reads', () => {
    const range = (max: number) => fc.integer({ min: 0, max });
    fc.assert(
      fc.property(range(63), range(63), range(2000), (service, fn, more) => {
        const message = new Uint8Array(createExecMessage(service, fn, 16 + more).buffer);
        expect(decodeExecHeader(message)).toEqual({ service, fn });
        expect(decodeExecHeader(message.subarray(0, message.length - 1))).toBeUndefined();
      }),
    );
  });

  test.each([
    [64, 0, 16],
    [-1, 0, 16],
    [1, 64, 16],
    [1, 0, 15],
  ])('service %d, function %d, %d bytes is never made', (service, fn, size) => {
    expect(() => createExecMessage(service, fn, size)).toThrow(InvariantError);
  });

  test('nothing malformed, and nothing of a service that is not here, leaves', () => {
    const world = createWorld();
    world.start(1);
    const bus = world.buses.get(1)!;
    for (const message of [
      new Uint8Array(3),
      new Uint8Array(64),
      new Uint8Array(createExecMessage(2, 3, 184).buffer),
      new Uint8Array(createExecMessage(5, 0, 32).buffer).subarray(0, 31),
    ]) {
      expect(() => bus.multicast(message)).toThrow(InvariantError);
    }
  });

  test('an operator kills the node that is named and no other', () => {
    const world = createWorld();
    world.start(1);
    world.start(2);
    world.run();
    const kill = createExecMessage(1, 1, 288);
    kill.setUint32(16, 2, true);
    world.bus.inject(1, 'a', new Uint8Array(kill.buffer));
    world.run();
    expect(world.killed).toEqual(['2 by 1']);
  });
});

describe('votequorum in a ring with Corosync', () => {
  test('a nodeinfo decodes to what was encoded', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(u32, u32, u32, u32, (nodeId, votes, expected, flags) => {
        const bytes = encodeNodeInfo(nodeId, { votes, expected, flags });
        expect(bytes).toHaveLength(32);
        expect(decodeNodeInfo(bytes)).toEqual({ nodeId, votes, expected, flags });
      }),
    );
    expect(decodeNodeInfo(new Uint8Array(31))).toBeUndefined();
  });

  test('all members count the same votes, and two of three go on', () => {
    const world = createWorld();
    for (const node of [1, 2, 3]) world.start(node);
    world.run();
    for (const node of [1, 2, 3]) {
      expect(world.state(node)).toMatchObject({ quorate: true, votes: 3, needed: 2 });
    }
    world.bus.kill(3);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: true, votes: 2, needed: 2 });
    world.bus.kill(2);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, votes: 1, needed: 2 });
  });

  test('the highest expectation of any member counts', () => {
    const world = createWorld();
    world.start(1, 3);
    world.start(2, 5);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, votes: 2, needed: 3 });
  });

  test('with wait_for_all nobody is quorate before all were there, and a newcomer trusts who was', () => {
    const world = createWorld({ waitForAll: true });
    world.start(1);
    world.start(2);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, votes: 2 });
    world.start(3);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: true, votes: 3 });
    world.bus.kill(3);
    world.run();
    world.start(3);
    world.run();
    expect(world.state(3)).toMatchObject({ quorate: true, votes: 3 });
    // Corosync's rule: who loses quorum waits for all again.
    world.bus.kill(3);
    world.bus.kill(2);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, votes: 1 });
    world.start(2);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, votes: 2 });
    world.start(3);
    world.run();
    for (const node of [1, 2, 3])
      expect(world.state(node)).toMatchObject({ quorate: true, votes: 3 });
  });

  test('an operator of any node sets the expected votes of all', () => {
    const world = createWorld();
    for (const node of [1, 2]) world.start(node, 5);
    world.run();
    expect(world.state(1)).toMatchObject({ quorate: false, expected: 5, needed: 3 });
    world.bus.inject(2, 'a', encodeExpected(2, 3));
    world.run();
    for (const node of [1, 2]) {
      expect(world.state(node)).toMatchObject({ quorate: true, expected: 3, needed: 2 });
    }
  });

  test('what a node says of another, or malformed, does not count', () => {
    const world = createWorld();
    world.start(1);
    world.start(2);
    world.run();
    world.bus.inject(2, 'a', encodeNodeInfo(1, { votes: 9, expected: 1, flags: 0 }));
    world.bus.inject(2, 'a', new Uint8Array(createExecMessage(5, 0, 40).buffer));
    world.run();
    expect(world.dropped.sort()).toEqual([
      ...Array.from({ length: 2 }, () => 'malformed nodeinfo'),
      ...Array.from({ length: 2 }, () => 'nodeinfo for another node'),
    ]);
    expect(world.state(1).votes).toBe(2);
  });
});
