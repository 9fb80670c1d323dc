import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CHANNEL_OPENS_PER_CLIENT_MAX, SUBSCRIPTIONS_PER_OPEN_MAX } from '../limits.ts';
import { bytes, cluster, exact, inspect, Peer, passAll } from './testing.fixture.ts';

const SECOND = 1_000_000_000n;
const [OK, INVALID, BAD_HANDLE, ACCESS, NOT_EXIST, EXIST, NO_RESOURCES] = [1, 7, 9, 11, 12, 14, 18];

describe('channels', () => {
  test('open without create needs a channel, and a channel outlives its last open', () => {
    const world = cluster();
    const a = new Peer(world, 1);
    expect(a.open('c', { create: false }).rc).toBe(NOT_EXIST);
    const { handle, rc } = a.open('c');
    expect(rc).toBe(OK);
    expect(a.rc('close', { handle })).toBe(OK);
    expect(a.rc('close', { handle })).toBe(BAD_HANDLE);
    expect(new Peer(world, 2).open('c', { create: false }).rc).toBe(OK);
    expect(world.hashes('evt')).toHaveLength(1);
  });

  test('an open handle is the client’s own and used once', () => {
    const world = cluster(2);
    const [a, b] = [new Peer(world, 1), new Peer(world, 2)];
    const { handle } = a.open('c');
    expect(
      a.rc('open', { handle, name: 'd', create: true, publisher: true, subscriber: true }),
    ).toBe(INVALID);
    expect(b.rc('close', { handle })).toBe(BAD_HANDLE);
    expect(
      a.rc('open', { handle: 99n, name: '', create: true, publisher: true, subscriber: true }),
    ).toBe(INVALID);
  });

  test('after an unlink old opens keep their instance, and publications never cross', () => {
    const world = cluster();
    const [a, b] = [new Peer(world, 1), new Peer(world, 2)];
    const old = a.open('c').handle;
    a.subscribe(old, 1, passAll);
    expect(b.rc('unlink', { name: 'c' })).toBe(OK);
    expect(b.rc('unlink', { name: 'c' })).toBe(NOT_EXIST);
    expect(b.open('c', { create: false }).rc).toBe(NOT_EXIST);
    const young = b.open('c').handle;
    b.subscribe(young, 1, passAll);
    a.publish(world, old, 'old');
    b.publish(world, young, 'young');
    expect(a.take()).toEqual(['old']);
    expect(b.take()).toEqual(['young']);
    expect(inspect(world, 3).channels).toHaveLength(2);
    a.rc('close', { handle: old });
    expect(inspect(world, 3).channels).toMatchObject([{ name: 'c', linked: true }]);
  });

  test('retained events die with the instance', () => {
    const world = cluster(2);
    const a = new Peer(world, 1);
    const { handle } = a.open('c');
    a.publish(world, handle, 'x', { retention: 60n * SECOND });
    expect(inspect(world, 2).retainedEvents).toBe(1);
    a.rc('unlink', { name: 'c' });
    expect(inspect(world, 2).retainedEvents).toBe(1);
    a.rc('close', { handle });
    expect(inspect(world, 2)).toMatchObject({ retainedEvents: 0, retainedBytes: 0, channels: [] });
  });

  test('a client’s end closes its opens, and a lost node’s clients end with it', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    a.open('c');
    c.open('c');
    expect(inspect(world, 2).channels[0]?.opens).toHaveLength(2);
    a.client.close();
    world.run();
    expect(inspect(world, 2).channels[0]?.opens).toMatchObject([{ node: 3 }]);
    world.kill(3);
    expect(inspect(world, 2).channels).toMatchObject([{ name: 'c', opens: [] }]);
    expect(world.hashes('evt')).toHaveLength(1);
  });

  test('opens and subscriptions are bounded', () => {
    const world = cluster(1);
    const a = new Peer(world, 1);
    const { handle } = a.open('c');
    for (let id = 0; id < SUBSCRIPTIONS_PER_OPEN_MAX; id++) a.subscribe(handle, id, passAll);
    const more = { handle, id: 9999, serial: 9999, filters: [] };
    expect(a.rc('subscribe', more)).toBe(NO_RESOURCES);
    for (let i = 1; i < CHANNEL_OPENS_PER_CLIENT_MAX; i++) a.open('c');
    expect(a.open('c').rc).toBe(NO_RESOURCES);
  });
});

describe('delivery', () => {
  test('an event reaches subscribers of all nodes, the publisher’s included', () => {
    const world = cluster();
    const peers = [1, 2, 3].map((node) => new Peer(world, node));
    const handles = peers.map((peer) => peer.open('c').handle);
    peers.forEach((peer, i) => void peer.subscribe(handles[i]!, 7, exact('p')));
    expect(peers[1]!.publish(world, handles[1]!, 'x', { patterns: ['p'] }).rc).toBe(OK);
    peers[1]!.publish(world, handles[1]!, 'y', { patterns: ['q'] });
    expect(peers.map((peer) => peer.take())).toEqual([['x'], ['x'], ['x']]);
  });

  test('each open gets an event once, with all its subscriptions that match, oldest first', () => {
    const world = cluster(2);
    const [a, b] = [new Peer(world, 1), new Peer(world, 2)];
    const pub = a.open('c').handle;
    const [one, two] = [b.open('c').handle, b.open('c').handle];
    b.subscribe(one, 1, exact('no'));
    const serials = [b.subscribe(one, 2, passAll), b.subscribe(one, 3, exact('p'))];
    const other = b.subscribe(two, 2, passAll);
    a.publish(world, pub, 'x', { patterns: ['p'] });
    const events = b.client.take('event').map(({ payload }) => [payload.handle, payload.serials]);
    expect(events).toEqual([
      [one, serials],
      [two, [other]],
    ]);
  });

  test('all subscribers see one order of all publishers', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 }),
        (seed, who) => {
          const world = cluster(3, seed);
          const peers = [1, 2, 3].map((node) => new Peer(world, node));
          const handles = peers.map((peer) => peer.open('c').handle);
          peers.forEach((peer, i) => void peer.subscribe(handles[i]!, 1, passAll));
          who.forEach((at, i) => void peers[at]!.post(handles[at]!, `${at}:${i}`));
          world.run();
          const [first, ...others] = peers.map((peer) => peer.take());
          expect(first).toHaveLength(who.length);
          for (const other of others) expect(other).toEqual(first);
          for (const at of [0, 1, 2]) {
            const own = first!.filter((data) => data.startsWith(`${at}:`));
            expect(own).toEqual(who.flatMap((w, i) => (w === at ? [`${at}:${i}`] : [])));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('event ids are unique and never reserved', () => {
    const world = cluster(2);
    const peers = [new Peer(world, 1), new Peer(world, 2)];
    const ids = peers.flatMap((peer) => {
      const { handle } = peer.open('c');
      return Array.from({ length: 20 }, () => peer.publish(world, handle, 'x').id);
    });
    expect(new Set(ids).size).toBe(40);
    for (const id of ids) expect(id).toBeGreaterThan(1000n);
  });

  test('unsubscribed is unsubscribed, and refusals have their codes', () => {
    const world = cluster(2);
    const a = new Peer(world, 1);
    const { handle } = a.open('c');
    a.subscribe(handle, 5, passAll);
    expect(a.rc('subscribe', { handle, id: 5, serial: 77, filters: [] })).toBe(EXIST);
    expect(a.rc('unsubscribe', { handle, id: 5 })).toBe(OK);
    expect(a.rc('unsubscribe', { handle, id: 5 })).toBe(NOT_EXIST);
    a.publish(world, handle, 'x');
    expect(a.take()).toEqual([]);
    const only = a.open('c', { publisher: false }).handle;
    expect(a.publish(world, only, 'x').rc).toBe(ACCESS);
    const writer = a.open('c', { subscriber: false }).handle;
    expect(a.rc('subscribe', { handle: writer, id: 1, serial: 1, filters: [] })).toBe(ACCESS);
    expect(a.publish(world, 4711n, 'x').rc).toBe(BAD_HANDLE);
  });

  test('the callback carries its priority and what takes its place when the queue is full', () => {
    const world = cluster(1);
    const a = new Peer(world, 1);
    const { handle } = a.open('c');
    a.subscribe(handle, 1, passAll);
    a.publish(world, handle, 'x', { priority: 2 });
    expect(a.client.take('event')[0]?.options).toEqual({
      priority: 2,
      lost: { name: 'lost', payload: { handle } },
    });
  });
});

describe('retention', () => {
  test('a retained event goes once to every new subscription that it matches', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    const pub = a.open('c').handle;
    a.publish(world, pub, 'kept', { patterns: ['p'], retention: 60n * SECOND });
    a.publish(world, pub, 'gone', { patterns: ['p'] });
    const sub = c.open('c').handle;
    c.subscribe(sub, 1, exact('p'));
    c.subscribe(sub, 2, passAll);
    c.subscribe(sub, 3, exact('q'));
    expect(c.take()).toEqual(['kept', 'kept']);
  });

  test('it ends at its time, everywhere, also when the coordinator is lost', () => {
    const world = cluster();
    const b = new Peer(world, 2);
    const { handle } = b.open('c');
    b.publish(world, handle, 'long', { retention: 20n * SECOND });
    b.publish(world, handle, 'short', { retention: 5n * SECOND });
    world.advance(6_000);
    expect(inspect(world, 3).retainedEvents).toBe(1);
    world.kill(1);
    world.advance(15_000);
    expect(inspect(world, 3)).toMatchObject({ retainedEvents: 0, retainedBytes: 0 });
    expect(world.hashes('evt')).toHaveLength(1);
  });

  test('clearing ends it, of known events of this channel only', () => {
    const world = cluster(2);
    const [a, b] = [new Peer(world, 1), new Peer(world, 2)];
    const { handle } = a.open('c');
    const other = b.open('d').handle;
    const { id } = a.publish(world, handle, 'x', { retention: 60n * SECOND });
    expect(b.rc('retentionClear', { handle: other, id })).toBe(NOT_EXIST);
    expect(a.rc('retentionClear', { handle, id: 1000n })).toBe(INVALID);
    expect(a.rc('retentionClear', { handle, id })).toBe(OK);
    expect(a.rc('retentionClear', { handle, id })).toBe(NOT_EXIST);
    a.subscribe(handle, 1, passAll);
    expect(a.take()).toEqual([]);
  });

  test('what is retained is bounded in bytes, and a refused event is not published', () => {
    const world = cluster(1);
    const a = new Peer(world, 1);
    const { handle } = a.open('c');
    const message = {
      ...{ handle, patterns: [], priority: 3, retention: SECOND, publisher: '' },
      data: new Uint8Array(65_536),
    };
    let accepted = 0;
    while (a.rc('publish', message) === OK) accepted++;
    expect(accepted).toBe(Math.floor(67_108_864 / (65_536 + 512)));
    a.subscribe(handle, 1, exact('x'));
    expect(a.rc('publish', message)).toBe(NO_RESOURCES);
    expect(a.rc('publish', { ...message, retention: 0n })).toBe(OK);
    world.advance(2_000);
    expect(a.rc('publish', message)).toBe(OK);
  });
});

test('oversized and malformed requests are refused at the border', () => {
  const world = cluster(1);
  const a = new Peer(world, 1);
  const { handle } = a.open('c');
  const good = { handle, patterns: [], priority: 3, retention: 0n, publisher: '', data: bytes('') };
  expect(a.rc('publish', good)).toBe(OK);
  const bad = [
    { ...good, data: new Uint8Array(65_537) },
    { ...good, patterns: [new Uint8Array(256)] },
    { ...good, patterns: Array.from({ length: 11 }, () => bytes('')) },
    { ...good, priority: 4 },
    { ...good, retention: -1n },
    { ...good, data: 'text' },
    null,
  ];
  for (const message of bad) expect(a.rc('publish', message)).toBe(INVALID);
});
