/** State that follows in the background, on three real executives: a store that is too large to be sent at once. */
import { CheckpointService } from '@aisexec/ckpt';
import type { LocalNode } from '@aisexec/executive/local-cluster';
import { describe, expect, test } from '@jest/globals';
import { aisctl, document } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const SECTIONS = 15;
const SECTION_BYTES = 200_000;

const contentOf = (index: number, round: number) => {
  const content = Buffer.alloc(SECTION_BYTES, index);
  content.writeUInt32LE(round, SECTION_BYTES / 2);
  return content;
};

describe('a store of 3 MB', () => {
  const logs: { readonly node: string; readonly line: Record<string, unknown> }[] = [];
  const cluster = useCluster({
    nodes: 3,
    stateCheckS: 1,
    onLog: (node, line) => void logs.push({ node: node.name, line: JSON.parse(line) }),
  });
  const logged = (node: LocalNode, event: string) =>
    logs.filter((one) => one.node === node.name && one.line['event'] === event);
  const counters = async (node: LocalNode) => {
    const status = document(await aisctl(['status', '--format', 'json'], node.socket));
    return (status['counters'] as Record<string, Record<string, number>>)['host']!;
  };

  test(
    'reaches a node that comes back while others write, and the replicas are compared equal',
    async () => {
      const [first, , victim] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
      await using service = await CheckpointService.connect({ socket: first.socket });
      const create = {
        maxSections: SECTIONS,
        maxSectionBytes: SECTION_BYTES,
        retentionMs: Number.POSITIVE_INFINITY,
      };
      const store = await service.open('store', { create });
      const indexes = Array.from({ length: SECTIONS }, (_, index) => index);
      await Promise.all(
        indexes.map((index) => store.section(`s${index}`).create(contentOf(index, 0))),
      );
      victim.kill();
      await victim.exited();
      await membersEverywhere(cluster.nodes.slice(0, 2), 2);
      let round = 0;
      let working = true;
      const load = (async () => {
        while (working) {
          round += 1;
          await store.section('s0').overwrite(contentOf(0, round));
          const mark = Buffer.alloc(4);
          mark.writeUInt32LE(round);
          await store.section('s1').write(mark, { offset: SECTION_BYTES / 2 });
        }
      })();
      await victim.start();
      await membersEverywhere(cluster.nodes, 3);
      await using back = await CheckpointService.connect({ socket: victim.socket });
      const copy = await back.open('store');
      // A read waits for its content: TRY_AGAIN until it has come.
      for (const index of indexes.slice(2)) {
        expect(Buffer.from(await copy.section(`s${index}`).read())).toEqual(contentOf(index, 0));
      }
      await eventually(
        async () => document(await aisctl(['sync', '--format', 'json'], victim.socket))['state'],
        (state) => state === 'done',
        'the transfer',
      );
      expect(String((await aisctl(['sync'], victim.socket)).stdout)).toBe('everything is here\n');
      working = false;
      await load;
      await eventually(
        async () => Buffer.from(await copy.section('s1').read()).readUInt32LE(SECTION_BYTES / 2),
        (mark) => mark === round,
        'the last write in part',
      );
      expect(logged(victim, 'transfer-start')[0]?.line).toMatchObject({ service: 'ckpt' });
      expect(logged(victim, 'transfer-done')).toHaveLength(1);
      const { transferBytesFetched } = await counters(victim);
      expect(transferBytesFetched).toBeGreaterThan((SECTIONS - 2) * SECTION_BYTES);
      const before = (await counters(first))['statesCompared']!;
      const after = await eventually(
        () => counters(first),
        ({ statesCompared }) => statesCompared! >= before + 16,
        'two more comparisons',
      );
      expect(after['statesMismatched']).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});
