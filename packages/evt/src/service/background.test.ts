/** Contents of retained events that follow in the background, on whole clusters: every content in a step of its own. */
import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import type { Schema } from '@aisexec/service';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { createEvtService, type EvtChunk } from './index.ts';
import { exact, inspect, Peer, passAll } from './testing.fixture.ts';

const EVENTS = 12;
const MINUTE = 60_000_000_000n;
const services = [createEvtService({ inlineBytesMax: 0 })];
const all = Array.from({ length: EVENTS }, (_, i) => `event ${i}`);

/** Nodes with retained events of a client of the first one. */
function filled(nodes: readonly number[] = [2, 3], seed = 1): TestCluster {
  const background = { wantBytes: 1, wants: 1 };
  const made = createTestCluster({ nodes, services, seed, background });
  const peer = new Peer(made, nodes[0]!);
  const { handle } = peer.open('c');
  for (const [i, data] of all.entries()) {
    peer.publish(made, handle, data, {
      patterns: [i % 2 === 0 ? 'even' : 'odd'],
      retention: MINUTE,
    });
  }
  return made;
}

const eventsOf = (on: TestCluster, event: string) => on.trace.filter((one) => one.event === event);

function stepUntil(on: TestCluster, done: () => boolean): void {
  while (!done()) expect(on.step()).toBe(true);
}

/** Restarts node 1 and stops where it is in the view and lacks contents. */
function joining(on: TestCluster): void {
  on.restart(1, false);
  stepUntil(on, () => on.host(1).view?.members.length === on.nodes.length);
  expect(on.host(1).transfers()).toMatchObject([{ service: 'evt', piecesTotal: EVENTS }]);
}

function expectHealthy(on: TestCluster): void {
  expect(on.hashes('evt')).toHaveLength(1);
  for (const node of on.nodes) expect(on.host(node).transfers()).toEqual([]);
  for (const event of ['service-failed', 'state-diverged']) expect(eventsOf(on, event)).toEqual([]);
}

const subscription = (handle: bigint, id = 1) => ({ handle, id, serial: id, filters: [passAll] });

describe('a joining node', () => {
  test('is in the view at once, and its clients publish and hear what is published', () => {
    const made = filled();
    joining(made);
    const [here, there] = [new Peer(made, 1), new Peer(made, 3)];
    const opened = here.client.post('open', {
      ...{ handle: 1n, name: 'other', create: true, publisher: true, subscriber: true },
    });
    stepUntil(made, () => opened.reply !== undefined);
    const subscribed = here.client.post('subscribe', subscription(1n));
    const published = here.post(1n, 'from the new node');
    stepUntil(made, () => published.reply !== undefined);
    expect([subscribed.reply?.rc, published.reply?.rc]).toEqual([SA_AIS_OK, SA_AIS_OK]);
    expect(here.take()).toEqual(['from the new node']);
    expect(made.host(1).transfers()).not.toEqual([]);
    made.run();
    expectHealthy(made);
    expect(inspect(made, 1)).toMatchObject({ retainedEvents: EVENTS });
    there.client.close();
  });

  test('gives a new subscription all that is retained, in order, once it is there', () => {
    const made = filled();
    joining(made);
    const here = new Peer(made, 1);
    const open = { name: 'c', create: false, publisher: false, subscriber: true };
    const opened = here.client.post('open', { handle: 1n, ...open });
    stepUntil(made, () => opened.reply !== undefined);
    expect(here.client.post('subscribe', subscription(1n)).reply?.rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    made.run();
    expect(here.rc('subscribe', subscription(1n))).toBe(SA_AIS_OK);
    expect(here.take()).toEqual(all);
    here.subscribe(1n, 2, exact('odd'));
    expect(here.take()).toEqual(all.filter((_, i) => i % 2 === 1));
    expect(here.client.take('lost')).toEqual([]);
    expectHealthy(made);
  });

  test('expires and clears what it lacks like everybody else, at the same places', () => {
    const made = filled();
    joining(made);
    made.advance(61_000);
    expectHealthy(made);
    expect(inspect(made, 1)).toMatchObject({ retainedEvents: 0, retainedBytes: 0 });
  });

  test('that comes back fetches nothing but what was published meanwhile', () => {
    const made = filled([1, 2, 3]);
    const there = new Peer(made, 3);
    made.split([[1], [2, 3]]);
    const { handle } = there.open('c');
    there.publish(made, handle, 'meanwhile', { retention: MINUTE });
    made.trace.length = 0;
    made.heal();
    expectHealthy(made);
    expect(eventsOf(made, 'transfer-start')).toMatchObject([{ node: 1, detail: { pieces: 1 } }]);
    const here = new Peer(made, 1);
    here.subscribe(here.open('c').handle, 1, passAll);
    expect(here.take()).toEqual([...all, 'meanwhile']);
  });
});

describe('a subscription that was let through before its node lacked anything', () => {
  test('is told of a loss in the place of what it cannot be given', () => {
    const made = filled([2, 3, 4]);
    made.split([[2, 3], [4]]);
    const late = new Peer(made, 4);
    const { handle } = late.open('c');
    const other = new Peer(made, 2);
    other.publish(made, other.open('c').handle, 'elsewhere', { retention: MINUTE });
    // Sent in the old view and ordered in the new one, before any content.
    const asked = late.client.post('subscribe', subscription(handle));
    made.heal(false);
    stepUntil(made, () => asked.reply !== undefined);
    made.run();
    expectHealthy(made);
    expect(asked.reply?.rc).toBe(SA_AIS_OK);
    expect(late.take()).toEqual(all);
    expect(late.client.take('lost')).toMatchObject([{ payload: { handle } }]);
  });
});

describe('a transfer cut short', () => {
  const faults: Record<string, (on: TestCluster) => void> = {
    'the joiner dies': (on) => on.kill(1, false),
    'the joiner starts again': (on) => on.restart(1, false),
    'the donor dies': (on) => on.kill(2, false),
    'the donor starts again': (on) => on.restart(2, false),
    'another node joins': (on) => on.restart(4, false),
  };

  test.each(Object.keys(faults))('at any step, %s: nothing is lost', (name) => {
    for (let cuts = 0; cuts < 160; cuts += 23) {
      const made = filled([2, 3], 1 + cuts);
      made.restart(1, false);
      for (let i = 0; i < cuts; i++) made.step();
      faults[name]!(made);
      made.run();
      expectHealthy(made);
      expect(eventsOf(made, 'state-lost')).toEqual([]);
      for (const node of made.nodes) {
        const peer = new Peer(made, node);
        peer.subscribe(peer.open('c').handle, 1, passAll);
        expect(peer.take()).toEqual(all);
      }
    }
  });

  test('whose only donor is gone gives up what nobody has, on all nodes alike, and says so', () => {
    const made = filled([3]);
    made.restart(1, false);
    made.restart(2, false);
    stepUntil(made, () => (made.host(1).transfers()[0]?.piecesDone ?? 0) >= 4);
    made.kill(3);
    expectHealthy(made);
    expect(eventsOf(made, 'state-lost').length).toBeGreaterThan(0);
    const peer = new Peer(made, 1);
    peer.subscribe(peer.open('c').handle, 1, passAll);
    const left = peer.take();
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(EVENTS);
    expect(left).toEqual(all.filter((data) => left.includes(data)));
  });
});

describe('with a node of the version before', () => {
  const [service] = services;
  const { background: _, ...sync } = service!.sync;
  const chunk: Schema<EvtChunk> = {
    check: (value: unknown): value is EvtChunk =>
      sync.chunk.check(value) && (value as EvtChunk).kind !== 'head',
  };
  const older = { ...service!, version: 1, sync: { ...sync, chunk } };
  const mixed = (node: number) => [node === 1 ? older : service!];

  test('everything is sent whole, and from nobody who lacks something', () => {
    const background = { wantBytes: 1, wants: 1 };
    const made = createTestCluster({ nodes: [2, 4], services: mixed, seed: 1, background });
    const peer = new Peer(made, 4);
    const { handle } = peer.open('c');
    for (const data of all) peer.publish(made, handle, data, { retention: MINUTE });
    // Node 2 starts again and lacks everything; node 1, of the older version, comes before it has it.
    made.restart(2, false);
    stepUntil(made, () => made.host(2).view?.members.length === 2);
    expect(made.host(2).transfers()).not.toEqual([]);
    made.restart(1, false);
    made.run();
    expectHealthy(made);
    for (const node of [1, 2]) {
      const here = new Peer(made, node);
      here.subscribe(here.open('c').handle, 1, passAll);
      expect(here.take()).toEqual(all);
    }
  });
});
