import { SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import {
  MESSAGE_COST,
  MODEST_MESSAGES,
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_OUTSTANDING_MIN,
  REQUESTS_OUTSTANDING_PER_UID_MAX,
  UNORDERED_COST_BESIDE_MODEST_MAX,
  UNORDERED_COST_MAX,
} from '../limits.ts';
import { counterService, createTestCluster } from '../testing/index.ts';
import { Shares } from './shares.ts';

const ONE = { name: 'a', amount: 1 };
const BYTES = 100;
const ALONE = Math.ceil(UNORDERED_COST_MAX / 2 / (BYTES + MESSAGE_COST));
/** The same beside a process that asks for little. */
const BESIDE_MODEST = Math.ceil(UNORDERED_COST_BESIDE_MODEST_MAX / 2 / (BYTES + MESSAGE_COST));
/** The same of messages without bytes: no real ones are more. */
const ALONE_MOST = Math.ceil(UNORDERED_COST_MAX / 2 / MESSAGE_COST);

/** Sends for a client, of a process of its own or not, until it may not. @returns how many messages. */
function fill(shares: Shares, connection: number, sharer: unknown = connection): number {
  let sent = 0;
  for (; shares.mayMulticast(sharer); sent++) shares.sent(connection, sharer, BYTES);
  return sent;
}

describe('the way into the order', () => {
  test('is half a client’s that is alone, and the other half is left for whoever comes', () => {
    const shares = new Shares();
    expect(fill(shares, 1)).toBe(ALONE);
    expect(fill(shares, 2)).toBeGreaterThan(ALONE / 2);
    expect(shares.mayMulticast(1)).toBe(false);
  });

  test('is shared equally, and whoever has nothing under way has a place however many there are', () => {
    const shares = new Shares();
    for (let round = 0; round < ALONE; round++) {
      for (let client = 0; client < 50; client++) {
        if (shares.mayMulticast(client)) shares.sent(client, client, BYTES);
      }
    }
    for (let client = 0; client < 50; client++) expect(shares.mayMulticast(client)).toBe(false);
    expect(fill(shares, 50)).toBeGreaterThan(0);
    for (let client = 51; client < 2_000; client++) expect(fill(shares, client)).toBeGreaterThan(0);
  });

  test('is given back message by message, that of clients that are gone, too', () => {
    const shares = new Shares();
    const sent = fill(shares, 1);
    expect(shares.ordered(1, BYTES)).toBe(1);
    expect(fill(shares, 1)).toBe(1);
    for (let i = 0; i < sent; i++) shares.ordered(1, BYTES);
    expect(shares.size).toBe(0);
    expect(shares.ordered(1, BYTES)).toBeUndefined();
    expect(fill(shares, 1)).toBe(sent);
  });

  test('of one process is one share, however many connections it has', () => {
    const shares = new Shares();
    let sent = fill(shares, 1, 'a process');
    for (let connection = 2; connection < 50; connection++) {
      sent += fill(shares, connection, 'a process');
    }
    expect(sent).toBe(ALONE);
    expect(shares.size).toBe(1);
    expect(shares.ordered(1, BYTES)).toBe('a process');
    expect(fill(shares, 49, 'a process')).toBe(1);
  });
});

describe('beside a process that asks for little', () => {
  /** Asks for one thing and has its answer. */
  function askOnce(shares: Shares, sharer: unknown): void {
    shares.sent(1_000, sharer, BYTES);
    shares.ordered(1_000, BYTES);
  }

  test('there is less to share: its next message waits behind less', () => {
    const shares = new Shares();
    askOnce(shares, 'modest');
    expect(fill(shares, 1)).toBe(BESIDE_MODEST);
    expect(BESIDE_MODEST).toBeLessThan(ALONE / 2);
  });

  test('there is as much as ever once it has not been heard of for long', () => {
    const shares = new Shares();
    askOnce(shares, 'modest');
    for (let i = 0; i < MODEST_MESSAGES; i++) askOnce(shares, 'greedy');
    expect(fill(shares, 1, 'greedy')).toBe(ALONE);
  });

  test('whoever had much under way counts as modest only when all of it has come back', () => {
    const shares = new Shares();
    const other = fill(shares, 2);
    expect(other).toBe(ALONE);
    const own = fill(shares, 1);
    expect(own).toBeGreaterThan(BESIDE_MODEST);
    for (let i = 0; i < other; i++) shares.ordered(2, BYTES);
    askOnce(shares, 2);
    for (let i = 0; i < own; i++) shares.ordered(1, BYTES);
    expect(fill(shares, 1)).toBe(BESIDE_MODEST);
  });

  test('two that ask for much do not take each other for modest', () => {
    const shares = new Shares();
    for (let round = 0; round < ALONE; round++) {
      for (const sharer of [1, 2])
        if (shares.mayMulticast(sharer)) shares.sent(sharer, sharer, BYTES);
    }
    const third = Math.ceil(UNORDERED_COST_MAX / 3 / (BYTES + MESSAGE_COST));
    for (const sharer of [1, 2]) expect(shares.mayMulticast(sharer)).toBe(false);
    for (const sharer of [1, 2]) {
      let underWay = 0;
      for (; shares.ordered(sharer, BYTES) !== undefined; underWay++);
      expect(underWay).toBe(third);
    }
  });
});

describe('a greedy client', () => {
  test('waits for its own messages, and no other waits behind more than its share', () => {
    const cluster = createTestCluster({
      nodes: 3,
      services: [counterService],
      queueMax: 10_000,
    });
    const greedy = cluster.client(1, 'counter');
    const modest = cluster.client(1, 'counter');
    const posts = Array.from({ length: ALONE_MOST + REQUESTS_IN_FLIGHT_MAX }, () =>
      greedy.post('add', ONE),
    );
    const one = modest.post('add', ONE);
    cluster.run();
    // The value is the place in the order.
    expect(Number(one.reply?.['value'])).toBeLessThanOrEqual(ALONE_MOST + 2);
    expect(posts.every(({ reply }) => reply?.rc === 1)).toBe(true);
    expect(cluster.host(1).stats()).toMatchObject({ requestsRefused: 0 });
  });

  test('with many connections has one share, and serves them in turn', () => {
    const cluster = createTestCluster({ nodes: 3, services: [counterService], queueMax: 10_000 });
    const host = cluster.host(1);
    const order: string[] = [];
    const connect = (name: string, process: number) => {
      const reply = (request: number) => order.push(`${name} ${request}`);
      return host.connect('counter', 0, {
        ...{ process, reply, callback: () => {}, closed: () => {} },
      })!;
    };
    const greedy = Array.from({ length: ALONE_MOST * 2 }, (_, i) => connect(`greedy ${i}`, 7));
    for (const request of [1, 2]) for (const ref of greedy) host.request(ref, request, 'add', ONE);
    host.request(connect('modest', 8), 1, 'add', ONE);
    cluster.run();
    expect(order).toHaveLength(greedy.length * 2 + 1);
    expect(order.indexOf('modest 1')).toBeLessThanOrEqual(ALONE_MOST + 1);
    const firsts = order.filter((answered) => answered !== 'modest 1').slice(0, greedy.length);
    expect(firsts.every((answered) => answered.endsWith(' 1'))).toBe(true);
  });

  test('is not asked for more than may wait, and is told when it may go on', () => {
    const cluster = createTestCluster({ nodes: 1, services: [counterService], queueMax: 10_000 });
    const host = cluster.host(1);
    let readies = 0;
    const replies: number[] = [];
    const ref = host.connect('counter', 0, {
      reply: (_request, { rc }) => replies.push(rc),
      callback: () => {},
      ready: () => readies++,
      closed: () => {},
    })!;
    let asked = 0;
    while (!host.isWaiting(ref)) host.request(ref, ++asked, 'add', ONE);
    expect(asked).toBeGreaterThan(REQUESTS_IN_FLIGHT_MAX);
    expect(asked).toBeLessThanOrEqual(ALONE_MOST + 1 + REQUESTS_IN_FLIGHT_MAX);
    host.request(ref, asked + 1, 'add', ONE);
    expect(replies.pop()).toBe(SA_AIS_ERR_TRY_AGAIN);
    cluster.run();
    expect(host.isWaiting(ref)).toBe(false);
    expect(readies).toBe(1);
    expect(replies).toEqual(Array.from({ length: asked }, () => 1));
  });
});

describe('requests without a reply', () => {
  test('of all clients of one uid are bounded, and leave room for a modest one and for other uids', () => {
    const cluster = createTestCluster({ nodes: 1, services: [counterService], settle: false });
    const host = cluster.host(1);
    const refused = new Map<number, number>();
    const connect = (uid: number) => {
      const ref = host.connect('counter', uid, {
        reply: () => refused.set(uid, (refused.get(uid) ?? 0) + 1),
        callback: () => {},
        closed: () => {},
      })!;
      let asked = 0;
      // Nothing of it is answered: there is no view yet.
      return (count: number) => {
        for (let i = 0; i < count; i++) host.request(ref, ++asked, 'add', ONE);
      };
    };
    const perClient = REQUESTS_IN_FLIGHT_MAX;
    const greedy = (2 * REQUESTS_OUTSTANDING_PER_UID_MAX) / perClient;
    for (let i = 0; i < greedy; i++) connect(1)(perClient);
    expect(refused.get(1)).toBeGreaterThan(0);
    const before = refused.get(1);
    connect(1)(REQUESTS_OUTSTANDING_MIN);
    connect(2)(perClient);
    expect(refused.get(1)).toBe(before);
    expect(refused.get(2)).toBeUndefined();
  });
});
