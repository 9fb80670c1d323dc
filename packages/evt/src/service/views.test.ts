import { SA_AIS_ERR_TIMEOUT, SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cluster, exact, inspect, Peer, passAll } from './testing.fixture.ts';

const MINUTE = 60_000_000_000n;

describe('a node that joins', () => {
  test('receives channels, unlinked instances and retained events', () => {
    const world = cluster();
    const a = new Peer(world, 1);
    const old = a.open('c').handle;
    a.subscribe(old, 1, passAll);
    a.publish(world, old, 'of the old one', { retention: MINUTE });
    a.rc('unlink', { name: 'c' });
    const { handle } = a.open('c');
    a.publish(world, handle, 'kept', { patterns: ['p'], retention: MINUTE });
    world.restart(3);
    expect(world.hashes('evt')).toHaveLength(1);
    const c = new Peer(world, 3);
    const sub = c.open('c', { create: false }).handle;
    c.subscribe(sub, 1, exact('p'));
    expect(c.take()).toEqual(['kept']);
    a.take();
    a.publish(world, old, 'still heard');
    expect(a.take()).toEqual(['still heard']);
    world.advance(61_000);
    expect(inspect(world, 3).retainedEvents).toBe(0);
  });

  test('with the lowest id and nothing loses nothing for the others', () => {
    const world = cluster();
    const c = new Peer(world, 3);
    const { handle } = c.open('c');
    c.subscribe(handle, 1, passAll);
    world.restart(1);
    c.publish(world, handle, 'x');
    expect(c.take()).toEqual(['x']);
    expect(c.client.take('lost')).toEqual([]);
  });
});

describe('after a partition', () => {
  test('both sides’ opens and retained events are united, and whoever may have missed something is told', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    const [left, right] = [a.open('c').handle, c.open('c').handle];
    a.subscribe(left, 1, passAll);
    c.subscribe(right, 1, passAll);
    world.split([[1, 2], [3]]);
    a.publish(world, left, 'left', { retention: MINUTE });
    c.publish(world, right, 'right', { retention: MINUTE });
    expect([a.take(), c.take()]).toEqual([['left'], ['right']]);
    world.heal();
    expect(world.hashes('evt')).toHaveLength(1);
    expect([a.client.take('lost'), c.client.take('lost')]).toMatchObject([
      [{ payload: { handle: left } }],
      [{ payload: { handle: right } }],
    ]);
    a.publish(world, left, 'together');
    expect([a.take(), c.take()]).toEqual([['together'], ['together']]);
    const late = new Peer(world, 2);
    late.subscribe(late.open('c').handle, 1, passAll);
    expect(late.take().sort()).toEqual(['left', 'right']);
  });

  test('nobody is told of a loss where nothing was published', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    for (const peer of [a, c]) {
      const { handle } = peer.open('c');
      peer.subscribe(handle, 1, passAll);
      peer.publish(world, handle, 'before');
    }
    world.split([[1, 2], [3]]);
    world.heal();
    expect([a.client.take('lost'), c.client.take('lost')]).toEqual([[], []]);
  });

  test('channels of one name that both sides made become one', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    world.split([[1, 2], [3]]);
    const [left, right] = [a.open('c').handle, c.open('c').handle];
    a.subscribe(left, 1, passAll);
    c.subscribe(right, 1, passAll);
    c.publish(world, right, 'kept', { retention: MINUTE });
    world.heal();
    expect(inspect(world, 2).channels).toMatchObject([{ name: 'c', retainedEvents: 1 }]);
    c.take();
    c.publish(world, right, 'x');
    expect([a.take(), c.take()]).toEqual([['x'], ['x']]);
    expect(world.hashes('evt')).toHaveLength(1);
  });

  test('an instance unlinked on one side is unlinked, and its namesake stays apart', () => {
    const world = cluster();
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    const [left, right] = [a.open('c').handle, c.open('c').handle];
    a.subscribe(left, 1, passAll);
    c.subscribe(right, 1, passAll);
    world.split([[1, 2], [3]]);
    c.rc('unlink', { name: 'c' });
    const young = c.open('c').handle;
    c.subscribe(young, 1, passAll);
    world.heal();
    expect(
      inspect(world, 1)
        .channels.map(({ linked }) => linked)
        .sort(),
    ).toEqual([false, true]);
    a.publish(world, left, 'old');
    c.publish(world, young, 'young');
    expect([a.take(), c.take()]).toEqual([['old'], ['old', 'young']]);
  });
});

test('replicas agree and nothing is left behind, whatever happens', () => {
  const action = fc.record({
    kind: fc.constantFrom(
      'open',
      'close',
      'publish',
      'subscribe',
      'unlink',
      'split',
      'heal',
      'restart',
      'advance',
    ),
    at: fc.integer({ min: 0, max: 2 }),
    name: fc.constantFrom('c', 'd'),
  });
  fc.assert(
    fc.property(fc.integer(), fc.array(action, { maxLength: 40 }), (seed, actions) => {
      const world = cluster(3, seed);
      let peers = [1, 2, 3].map((node) => new Peer(world, node));
      let handles = peers.map((): bigint[] => []);
      let id = 0;
      const act = {
        open: (at: number, name: string) => {
          const { handle, rc } = peers[at]!.open(name);
          if (rc === 1) handles[at]!.push(handle);
        },
        close: (at: number) => void peers[at]!.rc('close', { handle: handles[at]!.pop() ?? 0n }),
        publish: (at: number) =>
          void peers[at]!.publish(world, handles[at]![0] ?? 0n, 'x', { retention: MINUTE }),
        subscribe: (at: number) => {
          const [handle] = handles[at]!;
          if (handle !== undefined) peers[at]!.subscribe(handle, id++, passAll);
        },
        unlink: (at: number, name: string) => void peers[at]!.rc('unlink', { name }),
        split: (at: number) => world.split([[at + 1], [1, 2, 3].filter((node) => node !== at + 1)]),
        heal: () => world.heal(),
        restart: (at: number) => {
          world.restart(at + 1);
          peers = peers.map((peer, i) => (i === at ? new Peer(world, at + 1) : peer));
          handles = handles.map((list, i) => (i === at ? [] : list));
        },
        advance: () => world.advance(25_000),
      };
      for (const { kind, at, name } of actions) act[kind as keyof typeof act](at, name);
      world.heal();
      expect(world.hashes('evt')).toHaveLength(1);
      expect(world.trace.filter(({ event }) => event === 'service-failed')).toEqual([]);
      for (const peer of peers) peer.client.close();
      world.run();
      for (const name of ['c', 'd']) new Peer(world, 1).rc('unlink', { name });
      world.run();
      expect(inspect(world, 2)).toMatchObject({
        retainedEvents: 0,
        retainedBytes: 0,
        channels: [],
      });
    }),
    { numRuns: 40 },
  );
});

test('a publish at a node that is cut off is OK where the others have it, and TIMEOUT where they may not', () => {
  const answers = new Set<number | undefined>();
  for (let steps = 0; steps < 40; steps++) {
    const world = cluster(3, 1 + steps, { quorum: { provider: 'votequorum', expectedVotes: 3 } });
    const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
    a.subscribe(a.open('c').handle, 1, passAll);
    const pending = c.post(c.open('c').handle, 'x');
    for (let step = 0; step < steps; step++) world.step();
    world.split([[1, 2], [3]]);
    world.run();
    const rc = pending.reply?.rc;
    answers.add(rc);
    const isHere = a.take().includes('x');
    world.split([[1, 2, 3]]);
    world.run();
    // What the minority publishes later, by itself, is OK, too: the others are told when they meet.
    if (rc === SA_AIS_OK && !isHere) expect(a.client.take('lost')).toHaveLength(1);
  }
  expect([...answers].sort()).toEqual([SA_AIS_OK, SA_AIS_ERR_TIMEOUT]);
});

test.each<[string, (kept: bigint, handle: bigint) => [string, unknown]]>([
  ['an unlink', () => ['unlink', { name: 'c' }]],
  ['the clearing of a retention', (id, handle) => ['retentionClear', { handle, id }]],
])(
  '%s at a node that is cut off is OK where it lasts, and TIMEOUT where it may not',
  (_what, ask) => {
    const answers = new Set<number | undefined>();
    for (let steps = 0; steps < 40; steps++) {
      const world = cluster(3, 1 + steps, { quorum: { provider: 'votequorum', expectedVotes: 3 } });
      const [a, c] = [new Peer(world, 1), new Peer(world, 3)];
      const { handle } = c.open('c');
      const { id } = c.publish(world, handle, 'kept', { retention: MINUTE });
      a.open('c');
      const pending = c.client.post(...ask(id, handle));
      for (let step = 0; step < steps; step++) world.step();
      const isBefore = pending.reply?.rc === SA_AIS_OK;
      world.split([[1, 2], [3]]);
      world.run();
      answers.add(pending.reply?.rc);
      // Told before anything went wrong: the others have done it, too.
      if (isBefore) expect(isDone(world)).toBe(true);
    }
    expect([...answers].sort()).toEqual([SA_AIS_OK, SA_AIS_ERR_TIMEOUT]);
  },
);

/** Whether the channel is unlinked or nothing is retained on node 1. */
function isDone(world: ReturnType<typeof cluster>): boolean {
  const { retainedEvents, channels } = inspect(world, 1);
  return retainedEvents === 0 || channels.every(({ linked }) => !linked);
}
