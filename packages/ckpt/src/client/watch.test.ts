import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_ERR_UNAVAILABLE } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { type ClientCluster, createClientCluster } from '../cluster.fixture.ts';
import { WATCH_DATA_BYTES_MAX, WATCHES_PER_CHECKPOINT_MAX } from '../limits.ts';
import type { Checkpoint } from './checkpoint.ts';
import { CheckpointService } from './checkpoint-service.ts';
import { json, msgpack } from './codec.ts';
import type { ReplicatedMap } from './replicated-map.ts';

const CREATE = { maxSections: 100, maxSectionBytes: 100_000, retentionMs: 1_000_000 };
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | null) => (data === null ? null : new TextDecoder().decode(data));

async function connect(clients: ClientCluster, node: number): Promise<CheckpointService> {
  return CheckpointService.connect({ connector: clients.connector(node), retry: false });
}

async function open(clients: ClientCluster, node: number, name = 'c'): Promise<Checkpoint> {
  return (await connect(clients, node)).open(name, { create: CREATE });
}

/** The next items of a stream. */
async function take<T>(stream: AsyncIterator<T, undefined>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { value, done } = await stream.next();
    if (done) throw new Error(`ended after ${taken.length}`);
    taken.push(value);
  }
  return taken;
}

function watches(clients: ClientCluster, node = 1): number[] {
  const { checkpoints } = clients.cluster.host(node).inspect('ckpt') as {
    checkpoints: { watches: number }[];
  };
  return checkpoints.map((checkpoint) => checkpoint.watches);
}

test('a node that is removed ends watches with UNAVAILABLE', async () => {
  const clients = createClientCluster(3);
  const checkpoint = await open(clients, 3);
  const stream = checkpoint.section('s').watch();
  await stream.ready;
  await whileRemoved({ connector: clients.connector(1) }, 3, async () => {
    await expect(stream.next()).rejects.toMatchObject({ code: SA_AIS_ERR_UNAVAILABLE });
  });
  const writing = checkpoint.section('s').create(bytes('x'));
  await expect(writing).rejects.toMatchObject({ code: SA_AIS_ERR_UNAVAILABLE });
});

describe('a watch', () => {
  test('tells every change of a section on another node, in order, with rising sequence numbers', async () => {
    const clients = createClientCluster(3);
    const [reader, writer] = [await open(clients, 3), await open(clients, 1)];
    const stream = reader.section('s').watch({ data: true });
    await stream.ready;
    await writer.section('other').create(bytes('not told'));
    await writer.section('s').create(bytes('one'));
    await writer.section('s').write(bytes('ce'), { offset: 2 });
    await writer.section('s').overwrite(bytes('two'));
    await writer.section('s').delete();
    const changes = await take(stream, 4);
    expect(
      changes.map((item) => item.type === 'change' && [item.change, text(item.data), item.size]),
    ).toEqual([
      ['created', 'one', 3],
      ['written', 'once', 4],
      ['written', 'two', 3],
      ['deleted', null, 0],
    ]);
    const sequences = changes.map((item) => (item.type === 'change' ? item.sequence : 0n));
    expect(sequences).toEqual([...sequences].sort((a, b) => Number(a - b)));
    expect(new Set(sequences).size).toBe(4);
  });

  test('of all sections tells a vector write once per section, without contents unless asked', async () => {
    const clients = createClientCluster(2);
    const [reader, writer] = [await open(clients, 2), await open(clients, 1)];
    for (const id of ['a', 'b']) await writer.section(id).create();
    const stream = reader.watch();
    await stream.ready;
    const element = (id: string, data: string, offset = 0) => ({ id, data: bytes(data), offset });
    await writer.write([element('a', 'x'), element('b', 'y'), element('a', 'z', 1)]);
    const changes = await take(stream, 2);
    expect(changes).toMatchObject([
      { change: 'written', id: bytes('a'), size: 2, data: null },
      { change: 'written', id: bytes('b'), size: 1, data: null },
    ]);
  });

  test('leaves out contents that are too large', async () => {
    const clients = createClientCluster(1);
    const one = await open(clients, 1);
    const stream = one.watch({ data: true });
    await stream.ready;
    await one.section('large').create(new Uint8Array(WATCH_DATA_BYTES_MAX + 1));
    expect(await take(stream, 1)).toMatchObject([{ size: WATCH_DATA_BYTES_MAX + 1, data: null }]);
  });

  test('tells expiries in the order in which they were due', async () => {
    const clients = createClientCluster(2);
    const one = await open(clients, 1);
    const now = Number(clients.cluster.now / 1_000_000n);
    for (const [id, ms] of Object.entries({ late: 3_000, early: 1_000, middle: 2_000 })) {
      await one.section(id).create(bytes('x'), { expiresAt: new Date(now + ms) });
    }
    const stream = one.watch();
    await stream.ready;
    clients.cluster.advance(10_000);
    const expired = await take(stream, 3);
    expect(expired.map((item) => item.type === 'change' && text(item.id))).toEqual([
      'early',
      'middle',
      'late',
    ]);
  });

  test('of a slow reader has one gap in the place of what did not fit, and goes on at half', async () => {
    const clients = createClientCluster(1);
    const one = await open(clients, 1);
    await one.section('s').create();
    const stream = one.section('s').watch({ bufferMax: 4 });
    await stream.ready;
    const write = async (sizes: readonly number[]) => {
      for (const size of sizes) await one.section('s').overwrite(new Uint8Array(size));
    };
    await write([1, 2, 3, 4, 5, 6]);
    const size = (item: { type: string; size?: number }) => item.size ?? item.type;
    expect((await take(stream, 3)).map(size)).toEqual([1, 2, 3]);
    await write([7]);
    expect((await take(stream, 3)).map(size)).toEqual([4, 'gap', 7]);
  });

  test('ends with its loop, its checkpoint, its signal and its client; nobody keeps it', async () => {
    const clients = createClientCluster(2);
    const service = await connect(clients, 1);
    const one = await service.open('c', { create: CREATE });
    const abort = new AbortController();
    const [left, closed, aborted] = [one.watch(), one.watch(), one.watch({ signal: abort.signal })];
    await Promise.all([left.ready, closed.ready, aborted.ready]);
    expect(watches(clients, 2)).toEqual([3]);
    await one.section('s').create();
    for await (const item of left) {
      expect(item).toMatchObject({ change: 'created' });
      break;
    }
    abort.abort();
    await expect(aborted.next()).rejects.toMatchObject({ name: 'AbortError' });
    await closed.close();
    expect(await closed.next()).toEqual({ done: true, value: undefined });
    const byCheckpoint = one.watch();
    await byCheckpoint.ready;
    expect(watches(clients, 2)).toEqual([1]);
    await one.close();
    expect((await byCheckpoint.next()).done).toBe(true);
    const again = (await service.open('c')).watch();
    await again.ready;
    await service.close();
    expect((await again.next()).done).toBe(true);
    clients.cluster.run();
    expect(watches(clients, 2)).toEqual([0]);
  });

  test('is refused beyond the bound, and says so to its reader', async () => {
    const clients = createClientCluster(1, 1, false);
    const one = await open(clients, 1);
    const streams = Array.from({ length: WATCHES_PER_CHECKPOINT_MAX }, () => one.watch());
    await Promise.all(streams.map((stream) => stream.ready));
    const more = one.watch();
    await expect(more.next()).rejects.toMatchObject({ code: SA_AIS_ERR_NO_RESOURCES });
    await streams[0]?.close();
    await one.watch().ready;
  });

  test('survives the join of a node and has a gap where partitions met with other contents', async () => {
    const clients = createClientCluster(3);
    const [one, three] = [await open(clients, 1), await open(clients, 3)];
    const [calm, stormy] = [await open(clients, 3, 'calm'), three];
    await one.section('s').create(bytes('before'));
    const [quiet, loud] = [calm.watch(), stormy.watch({ data: true })];
    await Promise.all([quiet.ready, loud.ready]);
    clients.cluster.split([[1, 2], [3]]);
    await one.section('s').overwrite(bytes('majority'));
    clients.cluster.heal();
    expect(clients.cluster.hashes('ckpt').length).toBe(1);
    await one.section('s').overwrite(bytes('after'));
    await calm.section('q').create();
    const [gap, change] = await take(loud, 2);
    expect(gap).toEqual({ type: 'gap' });
    expect(change).toMatchObject({ change: 'written', data: bytes('after') });
    expect(await take(quiet, 1)).toMatchObject([{ change: 'created' }]);
  });
});

describe('values', () => {
  test('are JSON or msgpack, set in one step whether there was one or not', async () => {
    const clients = createClientCluster(2);
    const [one, two] = [await open(clients, 1), await open(clients, 2)];
    const cart = one.section('cart').as(json<{ items: string[] }>());
    expect(await cart.get()).toBeUndefined();
    await cart.set({ items: ['tea'] });
    await cart.set({ items: ['tea', 'milk'] });
    await one
      .section('counter')
      .as(msgpack<{ n: bigint; raw: Uint8Array }>())
      .set({
        n: 2n ** 60n,
        raw: bytes('raw'),
      });
    expect(await two.section('cart').as(json()).get()).toEqual({ items: ['tea', 'milk'] });
    const counter = await two
      .section('counter')
      .as(msgpack<{ n: bigint; raw: Uint8Array }>())
      .get();
    expect([counter?.n, text(counter?.raw ?? null)]).toEqual([2n ** 60n, 'raw']);
    expect(await cart.delete()).toBeGreaterThan(0n);
    expect(await cart.delete()).toBeUndefined();
  });

  test('that are not of the codec end the watch of their reader with the error', async () => {
    const clients = createClientCluster(1);
    const one = await open(clients, 1);
    const stream = one.section('s').as(json()).watch();
    await stream.ready;
    await one.section('s').create(bytes('{no json'));
    await expect(stream.next()).rejects.toThrow(SyntaxError);
    expect((await stream.next()).done).toBe(true);
  });
});

describe('a replicated map', () => {
  test('is one map on all nodes, and its watch has the sequence numbers of the changes', async () => {
    const clients = createClientCluster(3);
    const [here, there] = (await Promise.all(
      [1, 3].map(async (node) => (await connect(clients, node)).map<number>('scores')),
    )) as [ReplicatedMap<number>, ReplicatedMap<number>];
    const stream = there.watch();
    await stream.ready;
    const first = await here.set('ann', 1);
    const second = await there.set('böb', 2);
    const third = await here.set('ann', 3);
    const fourth = await there.delete('böb');
    expect(await here.get('ann')).toBe(3);
    expect(await here.get('böb')).toBeUndefined();
    expect(await take(stream, 4)).toEqual([
      { type: 'set', key: 'ann', value: 1, sequence: first },
      { type: 'set', key: 'böb', value: 2, sequence: second },
      { type: 'set', key: 'ann', value: 3, sequence: third },
      { type: 'deleted', key: 'böb', sequence: fourth },
    ]);
    const keys: string[] = [];
    for await (const key of there.keys()) keys.push(key);
    expect(keys).toEqual(['ann']);
  });

  test('forgets entries at their time and tells it', async () => {
    const clients = createClientCluster(2);
    const map = await (await connect(clients, 1)).map<string>('sessions');
    const now = Number(clients.cluster.now / 1_000_000n);
    const stream = map.watch();
    await stream.ready;
    await map.set('user', 'here', { expiresAt: new Date(now + 1_000) });
    clients.cluster.advance(5_000);
    expect(await take(stream, 2)).toMatchObject([
      { type: 'set' },
      { type: 'expired', key: 'user' },
    ]);
    expect(await map.get('user')).toBeUndefined();
  });

  test('refuses what it could not hold or tell', async () => {
    const clients = createClientCluster(1);
    const service = await connect(clients, 1);
    await expect(service.map('m', { maxValueBytes: WATCH_DATA_BYTES_MAX + 1 })).rejects.toThrow(
      TypeError,
    );
    const map = await service.map<string>('m', { maxEntries: 2, maxValueBytes: 8 });
    await expect(map.set('k', 'x'.repeat(20))).rejects.toMatchObject({ code: 7 });
    await map.set('a', '1');
    await map.set('b', '1');
    await expect(map.set('c', '1')).rejects.toMatchObject({ code: 15 });
    expect(() => map.get('')).toThrow(TypeError);
  });
});
