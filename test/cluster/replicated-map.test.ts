import { CheckpointService, type Gap, type MapChange } from '@aisexec/ckpt';
import { expect, test } from '@jest/globals';
import { eventually, useCluster } from './support.fixture.ts';

const ROUNDS = 50;
const cluster = useCluster({ nodes: 3 });

test('writers on two nodes, a watch on the third: every change once, in one order, none missing', async () => {
  const services = await Promise.all(
    cluster.nodes.map((node) => CheckpointService.connect({ socket: node.socket })),
  );
  const [one, two, three] = await Promise.all(services.map((service) => service.map<number>('m')));
  const changes = three!.watch();
  await changes.ready;
  const keys = ['a', 'b', 'c'];
  const set = async (map: typeof one, from: number) => {
    const written: [bigint, string, number][] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const key = keys[i % keys.length]!;
      written.push([await map!.set(key, from + i), key, from + i]);
    }
    return written;
  };
  const written = (await Promise.all([set(one, 0), set(two, 1_000)])).flat();
  const told: (MapChange<number> | Gap)[] = [];
  for await (const change of changes) if (told.push(change) === written.length) break;
  const expected = [...written].sort(([a], [b]) => Number(a - b));
  expect(told).toEqual(
    expected.map(([sequence, key, value]) => ({ type: 'set', sequence, key, value })),
  );
  for (const key of keys) {
    const last = expected.findLast(([, of]) => of === key)?.[2];
    for (const map of [one, two, three]) {
      await eventually(
        () => map!.get(key),
        (value) => value === last,
        `${key} on every node`,
      );
    }
  }
  await Promise.all(services.map((service) => service.close()));
});
