import {
  isSaAisError,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import { Membership } from './membership.ts';
import type { Member, ViewChange } from './view.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));
const ids = (members: readonly Member[]) => members.map(({ nodeId }) => nodeId);
const text = ({ members, joined, left }: ViewChange) =>
  `${ids(members)} +${ids(joined)} -${ids(left)}`;

async function setUp(nodes: number, at = 1) {
  const { cluster, connector, drop } = createClientCluster(nodes);
  const membership = await Membership.connect({ connector: connector(at) });
  return { cluster, drop, membership };
}

async function next(iterator: AsyncIterator<ViewChange>): Promise<string> {
  const { done, value } = await iterator.next();
  return done === true ? 'done' : text(value);
}

describe('Membership', () => {
  test('tells the members, the local node, and any one of them', async () => {
    const { membership } = await setUp(3, 2);
    expect(ids(await membership.members())).toEqual([1, 2, 3]);
    expect(await membership.localNode()).toEqual({
      nodeId: 2,
      name: 'node-2',
      address: '127.0.0.2',
      family: 'inet',
      bootTime: new Date(1_700_000_000_000),
      initialView: 1n,
    });
    expect((await membership.node(3)).name).toBe('node-3');
    const missing = await membership.node(9).catch((error: unknown) => error);
    expect(isSaAisError(missing, SA_AIS_ERR_NOT_EXIST)).toBe(true);
    await membership.close();
  });

  test('tracks: the current view first, then each change with the full list', async () => {
    const { cluster, membership } = await setUp(3);
    const views = membership.track();
    expect(await next(views)).toBe('1,2,3 +1,2,3 -');
    cluster.kill(3);
    expect(await next(views)).toBe('1,2 + -3');
    cluster.restart(3);
    expect(await next(views)).toBe('1,2,3 +3 -');
    await views.return();
    await membership.close();
  });

  test('who is slow gets several changes as one, and who came back is told as such', async () => {
    const { cluster, membership } = await setUp(4);
    const views = membership.track();
    await next(views);
    cluster.kill(3);
    cluster.kill(4);
    cluster.restart(4);
    await tick();
    expect(await next(views)).toBe('1,2,4 +4 -3,4');
    const late = membership.track();
    expect(await next(late)).toBe('1,2,4 +1,2,4 -');
    cluster.kill(2);
    expect(await next(views)).toBe('1,4 + -2');
    expect(await next(late)).toBe('1,4 + -2');
    await membership.close();
  });

  test('on the side that lost a merge, those who stayed together stay', async () => {
    for (const at of [1, 5]) {
      const { cluster, membership } = await setUp(5, at);
      const views = membership.track();
      await next(views);
      cluster.split([
        [1, 2, 3],
        [4, 5],
      ]);
      const [here, there] = at === 1 ? ['1,2,3', '4,5'] : ['4,5', '1,2,3'];
      expect(await next(views)).toBe(`${here} + -${there}`);
      cluster.heal();
      expect(await next(views)).toBe(`1,2,3,4,5 +${there} -`);
      await membership.close();
    }
  });

  test('waits for a number of members', async () => {
    const { cluster, membership } = await setUp(3);
    cluster.kill(2);
    cluster.kill(3);
    const waiting = membership.waitFor(3);
    await tick();
    cluster.restart(2);
    await tick();
    cluster.restart(3);
    const view = await waiting;
    expect(ids(view.members)).toEqual([1, 2, 3]);
    expect(view.viewNumber).toBe(5n);
    await membership.close();
  });

  test('an abort or a time-out ends the wait with its error', async () => {
    const { membership } = await setUp(1);
    const controller = new AbortController();
    const aborted = membership.waitFor(2, { signal: controller.signal }).catch((e: unknown) => e);
    await tick();
    controller.abort();
    expect(await aborted).toMatchObject({ name: 'AbortError' });
    const late = await membership.waitFor(2, { timeoutMs: 1 }).catch((e: unknown) => e);
    expect(isSaAisError(late, SA_AIS_ERR_TIMEOUT)).toBe(true);
    await membership.close();
  });

  test('closing ends the iterators, losing the executive makes them throw', async () => {
    const closed = await setUp(1);
    const views = closed.membership.track();
    await next(views);
    const end = next(views);
    await closed.membership.close();
    expect(await end).toBe('done');
    await closed.membership.close();

    const lost = await setUp(1);
    const other = lost.membership.track();
    await next(other);
    const failure = next(other).catch((error: unknown) => error);
    lost.drop(1);
    expect(isSaAisError(await failure, SA_AIS_ERR_LIBRARY)).toBe(true);
    await lost.membership.close();
  });

  test('`await using` closes it', async () => {
    const { cluster, connector } = createClientCluster(1);
    {
      await using membership = await Membership.connect({ connector: connector(1) });
      await membership.track().next();
      expect(cluster.host(1).inspect('clm')).toMatchObject({ tracking: 1 });
    }
    cluster.run();
    expect(cluster.host(1).inspect('clm')).toMatchObject({ tracking: 0 });
  });
});
