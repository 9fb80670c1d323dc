/** What is bounded in the whole cluster, and that the counts survive views, merges and older members. */
import { SA_AIS_ERR_NO_RESOURCES as NO_RESOURCES, SA_AIS_OK as OK } from '@aisexec/ais';
import type { ExecContext } from '@aisexec/service';
import { expect, test } from '@jest/globals';
import {
  CHANNEL_OPENS_MAX,
  CHANNEL_OPENS_PER_CLIENT_MAX,
  FILTERS_MAX,
  PATTERN_BYTES_MAX,
  SUBSCRIPTION_BYTES_MAX,
  SUBSCRIPTION_OVERHEAD,
  SUBSCRIPTIONS_PER_OPEN_MAX,
} from '../limits.ts';
import { exec } from './handlers.ts';
import { evtService } from './index.ts';
import { initialState } from './state.ts';
import { cluster, exact, inspect, Peer, passAll } from './testing.fixture.ts';
import { BOUNDS_SINCE } from './versions.ts';

const LARGE = Array.from({ length: FILTERS_MAX }, () => exact('x'.repeat(PATTERN_BYTES_MAX)));
const LARGE_COST = SUBSCRIPTION_OVERHEAD * (1 + FILTERS_MAX) + PATTERN_BYTES_MAX * FILTERS_MAX;
const LARGE_MAX = Math.floor(SUBSCRIPTION_BYTES_MAX / LARGE_COST);

/** One replica and its exec handlers alone: filling a cluster up takes a minute. */
function replica(version = BOUNDS_SINCE) {
  const state = initialState();
  let rc: unknown;
  const ctx = {
    ...{ version, time: 0n, order: 0n },
    reply: (_: unknown, reply: { readonly rc: number }) => {
      rc = reply.rc;
    },
  } as unknown as ExecContext;
  const send = (name: string, connection: number, message: object): unknown => {
    exec[name]!.apply(state, message, { node: 1, connection, request: 1 }, ctx);
    return rc;
  };
  const open = (connection: number, handle: number): unknown => {
    const how = { create: true, publisher: true, subscriber: true };
    return send('open', connection, { handle: BigInt(handle), name: 'c', ...how, instance: 1n });
  };
  const subscribe = (connection: number, handle: number, id: number): unknown =>
    send('subscribe', connection, { handle: BigInt(handle), id, serial: id, filters: LARGE });
  return { state, send, open, subscribe };
}

/** `count` subscriptions of client 1, over as many opens as that takes. */
function filled(count: number, version?: number) {
  const one = replica(version);
  for (let i = 0; i < count; i++) {
    const handle = Math.floor(i / SUBSCRIPTIONS_PER_OPEN_MAX);
    if (i % SUBSCRIPTIONS_PER_OPEN_MAX === 0) one.open(1, handle);
    expect(one.subscribe(1, handle, i)).toBe(OK);
  }
  return one;
}

test('filters of all clients are bounded in bytes; what ends makes room', () => {
  const { state, send, open, subscribe } = filled(LARGE_MAX);
  open(2, 0);
  expect(subscribe(2, 0, 1)).toBe(NO_RESOURCES);
  expect(send('unsubscribe', 1, { handle: 0n, id: 0 })).toBe(OK);
  expect(subscribe(2, 0, 1)).toBe(OK);
  expect(subscribe(2, 0, 2)).toBe(NO_RESOURCES);
  expect(send('close', 1, { handle: 0n })).toBe(OK);
  const closed = SUBSCRIPTIONS_PER_OPEN_MAX - 1;
  expect(state.subscriptionBytes).toBe((LARGE_MAX - closed) * LARGE_COST);
});

test('opens of all clients are bounded; what ends makes room', () => {
  const { state, send, open } = replica();
  for (let i = 0; i < CHANNEL_OPENS_MAX; i++) {
    open(Math.floor(i / CHANNEL_OPENS_PER_CLIENT_MAX), i % CHANNEL_OPENS_PER_CLIENT_MAX);
  }
  expect(state.openCount).toBe(CHANNEL_OPENS_MAX);
  expect(open(9_999, 0)).toBe(NO_RESOURCES);
  expect(send('close', 0, { handle: 0n })).toBe(OK);
  expect(open(9_999, 0)).toBe(OK);
});

test('an open that the parts of a merge share keeps its subscriptions, and is counted once', () => {
  const { state, open, subscribe } = replica();
  open(1, 0);
  subscribe(1, 0, 1);
  const [channel] = state.channels.values();
  const copy = {
    ...state,
    channels: new Map([[channel!.instance, { ...channel!, opens: new Map(channel!.opens) }]]),
    names: new Map(state.names),
    clients: new Map(
      [...state.clients].map(([key, c]) => [key, { ...c, opens: new Map(c.opens) }]),
    ),
  };
  const part = { ringId: { rep: 1, seq: 4 }, quorate: true };
  const merged = evtService.sync.merge([
    { ...part, state: copy, members: [2] },
    { ...part, state, members: [1] },
  ]);
  expect(merged).toMatchObject({ openCount: 1, subscriptionBytes: LARGE_COST });
  const [only] = [...merged.channels.values()].flatMap(({ opens }) => [...opens.values()]);
  expect(only?.subscriptions.size).toBe(1);
});

test('while a member does not know the bounds nobody refuses by them: replicas decide alike', () => {
  const { open, subscribe } = filled(LARGE_MAX, BOUNDS_SINCE - 1);
  open(2, 0);
  expect(subscribe(2, 0, 1)).toBe(OK);
});

test('the counts are those of a node that joins, and of both halves after a merge', () => {
  const world = cluster(3);
  const peers = [1, 2, 3].map((node) => new Peer(world, node));
  for (const peer of peers) peer.subscribe(peer.open('c').handle, 1, passAll);
  const each = 2 * SUBSCRIPTION_OVERHEAD;
  world.restart(2);
  for (const node of [1, 2, 3]) {
    expect(inspect(world, node)).toMatchObject({ opens: 2, subscriptionBytes: 2 * each });
  }
  world.split([[1, 2], [3]]);
  peers[0]!.open('c');
  world.heal();
  for (const node of [1, 2, 3]) {
    expect(inspect(world, node)).toMatchObject({ opens: 3, subscriptionBytes: 2 * each });
  }
  expect(world.hashes('evt')).toHaveLength(1);
});
