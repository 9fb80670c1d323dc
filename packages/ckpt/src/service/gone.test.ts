/** A client that had much open and is gone: closed in steps of the order, at once where a node does not know them. */
import { createTestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { GONE_STEP_OPENS_MAX } from '../limits.ts';
import { ckptService } from './index.ts';
import { ALL, attributes } from './replica.fixture.ts';

const OPENS = 2 * GONE_STEP_OPENS_MAX + 50;
const old = { ...ckptService, version: 1 };

describe.each([
  ['takes three steps where all nodes know them', ckptService, 3],
  ['takes one beside a node that does not', old, 1],
] as const)('the end of a client with many opens', (sentence, second, steps) => {
  test(sentence, () => {
    const services = (node: number) => [node === 2 ? second : ckptService];
    const cluster = createTestCluster({ nodes: 3, services });
    const opensAt = (node: number) =>
      (cluster.host(node).inspect('ckpt') as { opens: number }).opens;
    const [client, other] = [cluster.client(1, 'ckpt'), cluster.client(3, 'ckpt')];
    const given = attributes({ retentionDuration: 0n });
    for (let i = 0; i < OPENS; i++) {
      const request = { handle: BigInt(i), name: `c${i}`, openFlags: ALL, attributes: given };
      client.request('open', request);
    }
    other.request('open', { handle: 1n, name: 'c0', openFlags: ALL, attributes: given });
    expect(opensAt(3)).toBe(OPENS + 1);
    client.close();
    const seen = new Set<number>();
    do seen.add(opensAt(3));
    while (cluster.step());
    seen.delete(OPENS + 1);
    expect(seen.size).toBe(steps);
    expect([1, 2, 3].map(opensAt)).toEqual([1, 1, 1]);
    expect(cluster.hashes('ckpt')).toHaveLength(1);
  });
});
