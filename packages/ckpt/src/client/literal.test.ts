/** What the rows of `conformance/` do not say about the literal layer. */
import { expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import { Stage } from '../conformance/stage.fixture.ts';

test('throws a TypeError for what is no AIS type at all', async () => {
  const clients = createClientCluster(1);
  const connect = { connector: clients.connector(1) };
  const elapse = async (ms: number) => clients.cluster.advance(ms);
  const now = () => clients.cluster.now;
  const stage = new Stage({ near: connect, node: 1, far: connect, elapse, now, name: 'c' });
  const { sa } = stage;
  const full = await stage.use('full');
  const wrong = <T>(value: unknown) => value as T;
  await expect(sa.saCkptFinalize(wrong(1))).rejects.toThrow(TypeError);
  await expect(sa.saCkptCheckpointUnlink(await stage.near(), wrong(5))).rejects.toThrow(TypeError);
  await expect(sa.saCkptSectionDelete(full, { id: wrong('s') })).rejects.toThrow(TypeError);
  await expect(sa.saCkptCheckpointSynchronize(full, wrong(5))).rejects.toThrow(TypeError);
});
