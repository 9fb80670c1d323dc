import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INTERRUPT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_OK,
} from '@aisexec/ais';
import { createCitizen, createSyncEngine, type Reply } from '@aisexec/service';
import { createMemoryBus, type MemoryBus } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { decodeBare } from '../bare.ts';
import type { MembersEvent, MessageEvent } from '../protocol.ts';
import { type CpgConnection, type CpgService, createCpgService } from './cpg.ts';
import * as wire from './wire.ts';

const GROUP = Uint8Array.of(103);

/** One process behind one node. */
class Client {
  readonly replies = new Map<number, Reply>();
  readonly events: { name: string; payload: unknown }[] = [];
  readonly connection: CpgConnection;
  #last = 0;

  constructor(service: CpgService) {
    this.connection = service.connect({
      reply: (request, reply) => void this.replies.set(request, reply),
      callback: (name, payload) => void this.events.push({ name, payload }),
      closed: () => {},
    });
  }

  ask(fn: string, argument: unknown = {}): number {
    this.connection.request(++this.#last, fn, argument);
    return this.#last;
  }

  rc(request: number): number | undefined {
    return this.replies.get(request)?.rc;
  }

  get messages(): string[] {
    return this.events
      .filter(({ name }) => name === 'message')
      .map(({ payload }) =>
        payload instanceof Uint8Array ? decodeBare(payload)! : (payload as MessageEvent),
      )
      .map(({ nodeId, pid, bytes }) => `${nodeId}.${pid}:${bytes.join()}`);
  }

  /** `members | left` of the last change. */
  get members(): string {
    const last = this.events.findLast(({ name }) => name === 'members')?.payload as MembersEvent;
    const left = last.left.map(({ nodeId, pid, reason }) => `${nodeId}.${pid}:${reason}`);
    return `${last.members.map(({ nodeId, pid }) => `${nodeId}.${pid}`).join()} | ${left.join()}`;
  }
}

class World {
  readonly bus: MemoryBus;
  readonly dropped: string[] = [];
  readonly #services = new Map<number, CpgService>();

  constructor(nodes: readonly number[], seed = 1) {
    this.bus = createMemoryBus({ seed });
    for (const node of nodes) this.start(node);
    this.run();
  }

  start(node: number): void {
    const messaging = this.bus.start(node);
    const dropped = (reason: string) => void this.dropped.push(reason);
    const citizen = createCitizen({
      messaging,
      dropped,
      services: (bus) => {
        const cpg = createCpgService(bus);
        this.#services.set(node, cpg);
        return [cpg];
      },
    });
    createSyncEngine({
      messaging,
      participants: citizen.participants,
      started: () => {},
      completed: () => {},
      dropped,
    });
  }

  client(node: number): Client {
    return new Client(this.#services.get(node)!);
  }

  joined(node: number, pid: number, more = {}): Client {
    const client = this.client(node);
    const request = client.ask('join', { group: GROUP, pid, ...more });
    this.run();
    expect(client.rc(request)).toBe(SA_AIS_OK);
    return client;
  }

  inspect(node: number): unknown {
    return this.#services.get(node)!.inspect();
  }

  run(): void {
    while (this.bus.step());
  }
}

describe('CPG', () => {
  test('members of a group see each other join and leave, and every message in one order', () => {
    const world = new World([1, 2, 3]);
    const one = world.joined(1, 11);
    const two = world.joined(2, 22);
    expect(one.members).toBe('1.11,2.22 | ');
    const requests = [one, two, one].map((client, i) =>
      client.ask('multicast', { bytes: Uint8Array.of(i) }),
    );
    expect(one.rc(requests[0]!)).toBeUndefined();
    world.run();
    expect(one.rc(requests[0]!)).toBe(SA_AIS_OK);
    expect(one.messages).toHaveLength(3);
    expect(two.messages).toEqual(one.messages);
    const leave = two.ask('leave');
    world.run();
    expect(two.rc(leave)).toBe(SA_AIS_OK);
    expect(one.members).toBe('1.11 | 2.22:2');
    expect(two.rc(two.ask('multicast', { bytes: GROUP }))).toBe(SA_AIS_ERR_BAD_HANDLE);
  });

  test('clients that read messages bare and those that do not see the same, made once for all of a kind', () => {
    const world = new World([1, 2]);
    const bare = [11, 12].map((pid) => world.joined(1, pid, { bare: true }));
    const plain = [13, 14].map((pid) => world.joined(1, pid));
    const [sender, other] = [bare[0]!, world.joined(2, 22, { bare: true })];
    expect(sender.replies.get(1)).toMatchObject({ bare: true });
    const request = sender.ask('multicast', Uint8Array.of(1, 2));
    expect(sender.rc(request)).toBeUndefined();
    plain[0]!.ask('multicast', { bytes: new Uint8Array(300) });
    sender.ask('part', { bytes: Uint8Array.of(7), total: 2, first: true });
    world.run();
    expect(sender.rc(request)).toBe(SA_AIS_OK);
    expect(sender.messages).toHaveLength(3);
    expect(sender.messages[0]).toBe('1.11:1,2');
    for (const client of [...bare, ...plain, other]) {
      expect(client.messages).toEqual(sender.messages);
      const payloads = client.events.filter(({ name }) => name === 'message');
      const isBare = payloads.map(({ payload }) => payload instanceof Uint8Array);
      expect(isBare).toEqual(new Array(3).fill(!plain.includes(client)));
    }
    for (const [one, two] of [bare, plain]) {
      const last = [one!, two!].map(({ events }) => events.at(-1)!.payload);
      expect(last[0]).toBe(last[1]);
    }
  });

  test('a message that waits for the ring is not changed by the next of its process', () => {
    const world = new World([1, 2]);
    const one = world.joined(1, 11, { bare: true });
    const two = world.joined(2, 22, { bare: true });
    // Until the new view is synchronised nothing leaves.
    world.start(3);
    const bytes = Uint8Array.of(1, 1);
    one.ask('multicast', bytes);
    bytes.fill(9);
    one.ask('multicast', Uint8Array.of(2, 2, 2));
    world.run();
    expect(two.messages).toEqual(['1.11:1,1', '1.11:2,2,2']);
  });

  test('a message in parts is answered part by part and reaches all members in its order', () => {
    const world = new World([1, 2]);
    const one = world.joined(1, 11);
    const two = world.joined(2, 22);
    const total = 6;
    for (const first of [true, false, false]) {
      const request = one.ask('part', { bytes: Uint8Array.of(7, 8), total, first });
      expect(one.rc(request)).toBeUndefined();
      world.run();
      expect(one.rc(request)).toBe(SA_AIS_OK);
    }
    const parts = two.events.filter(({ name }) => name === 'message').map(({ payload }) => payload);
    expect(parts).toMatchObject(['first', 'middle', 'last'].map((part) => ({ part, pid: 11 })));
    expect(one.messages).toEqual(two.messages);
  });

  test('parts that do not add up to their message are refused before a C program trusts them', () => {
    const world = new World([1]);
    const one = world.joined(1, 11);
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const ask = (total: number, first: boolean) => one.rc(one.ask('part', { bytes, total, first }));
    expect(ask(8, false)).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(ask(4, true)).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(ask(2 ** 31, true)).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(ask(6, true)).toBeUndefined();
    expect(ask(8, false)).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(ask(6, false)).toBe(SA_AIS_ERR_INVALID_PARAM);
    world.run();
    expect(one.messages).toHaveLength(1);
  });

  test('a message in parts is given up when the membership changes in the middle, and can begin again', () => {
    const world = new World([1, 2]);
    const one = world.joined(1, 11);
    const two = world.joined(2, 22);
    const part = (first: boolean) => {
      const request = one.ask('part', { bytes: Uint8Array.of(1), total: 2, first });
      world.run();
      return one.rc(request);
    };
    expect(part(true)).toBe(SA_AIS_OK);
    world.start(3);
    world.run();
    expect(part(false)).toBe(SA_AIS_ERR_INTERRUPT);
    expect([part(true), part(false)]).toEqual([SA_AIS_OK, SA_AIS_OK]);
    const kinds = two.events.filter(({ name }) => name === 'message');
    expect(kinds.map(({ payload }) => (payload as MessageEvent).part)).toEqual([
      'first',
      'first',
      'last',
    ]);
  });

  test('a process that dies, and one whose node dies, are told apart', () => {
    const world = new World([1, 2, 3]);
    const one = world.joined(1, 11);
    const two = world.joined(2, 22);
    world.joined(3, 33);
    two.connection.disconnect();
    world.run();
    expect(one.members).toBe('1.11,3.33 | 2.22:5');
    world.bus.kill(3);
    world.run();
    expect(one.members).toBe('1.11 | 3.33:3');
    expect(one.events.at(-1)).toMatchObject({ name: 'ring', payload: { nodes: [1, 2] } });
  });

  test('after a partition each side has lost the other, and after the merge found it', () => {
    const world = new World([1, 2]);
    const one = world.joined(1, 11);
    const two = world.joined(2, 22);
    world.bus.split([[1], [2]]);
    world.run();
    expect([one.members, two.members]).toEqual(['1.11 | 2.22:3', '2.22 | 1.11:3']);
    world.bus.heal();
    world.run();
    expect(one.members).toContain('1.11,2.22');
    expect(two.members).toContain('1.11');
    expect(world.inspect(1)).toHaveLength(2);
  });

  test('one process joins a group once, and may come back after it left', () => {
    const world = new World([1]);
    const first = world.joined(1, 11);
    const second = world.client(1);
    expect(second.rc(second.ask('join', { group: GROUP, pid: 11 }))).toBe(SA_AIS_ERR_EXIST);
    first.ask('leave');
    world.run();
    const again = second.ask('join', { group: GROUP, pid: 11 });
    world.run();
    expect(second.rc(again)).toBe(SA_AIS_OK);
  });

  test('messages of a node without a member, and malformed ones, are dropped', () => {
    const world = new World([1, 2]);
    const one = world.joined(1, 11);
    const stranger = wire.encodeMcast(2, { group: 'g', pid: 9, bytes: GROUP });
    world.bus.inject(2, 'a', stranger);
    world.bus.inject(2, 'a', stranger.subarray(0, 40));
    world.bus.inject(2, 'a', wire.encodeJoinlist([]));
    world.run();
    expect(one.messages).toEqual([]);
    expect(world.dropped).toEqual(
      expect.arrayContaining([
        'message of a node without a member',
        'malformed exec message',
        'joinlist nobody waits for',
      ]),
    );
  });

  test('whatever the interleaving of deaths and joins, all nodes agree on the members', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const world = new World([1, 2, 3], seed);
      const clients = [1, 2, 3].map((node) => world.client(node));
      for (const [i, client] of clients.entries()) client.ask('join', { group: GROUP, pid: i });
      for (let i = 0; i < seed; i++) world.bus.step();
      world.bus.kill(3);
      for (let i = 0; i < seed % 7; i++) world.bus.step();
      clients[1]!.connection.disconnect();
      world.start(3);
      for (let i = 0; i < seed % 11; i++) world.bus.step();
      world.client(3).ask('join', { group: GROUP, pid: 99 });
      world.run();
      const sorted = (node: number) =>
        (world.inspect(node) as { nodeId: number; pid: number }[])
          .map(({ nodeId, pid }) => `${nodeId}.${pid}`)
          .sort();
      expect({ seed, members: [1, 2, 3].map(sorted) }).toEqual({
        seed,
        members: Array.from({ length: 3 }, () => ['1.0', '3.99']),
      });
    }
  });
});
