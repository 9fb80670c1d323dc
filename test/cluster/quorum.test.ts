/** Quorum as programs and operators see it: real daemons, the client package, `aisctl quorum`. */
import { Quorum } from '@aisexec/quorum';
import { describe, expect, jest } from '@jest/globals';
import { aisctl, document } from './aisctl.fixture.ts';
import {
  eventually,
  membersEverywhere,
  ringTest,
  TEST_TIMEOUT_MS,
  useCluster,
} from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

describe('three executives with an even number of votes expected', () => {
  const cluster = useCluster({
    nodes: 3,
    quorum: { provider: 'votequorum', expected_votes: 6 },
  });
  const socket = (index = 0) => cluster.nodes[index]!.socket;

  ringTest(
    'membership, status and quorum answer without quorum; an operator gives it, and trackers are told',
    async () => {
      await membersEverywhere(cluster.nodes, 3);
      await using quorum = await Quorum.connect({ socket: socket() });
      expect(await quorum.info()).toMatchObject({
        provider: 'votequorum',
        quorate: false,
        votes: 3,
        needed: 4,
        expected: 6,
        members: [1, 2, 3],
        nodes: [{ nodeId: 1, votes: 1 }, { nodeId: 2 }, { nodeId: 3 }],
      });
      for (const command of ['members', 'status']) {
        expect((await aisctl([command], socket())).status).toBe(0);
      }
      const before = await aisctl(['quorum'], socket(1));
      expect(before.status).toBe(2);
      expect(String(before.stdout)).toMatch(/^not quorate: 3 votes, 4 needed.*\nexpected +6 votes/);

      const seen: boolean[] = [];
      for await (const { quorate } of quorum.track()) {
        seen.push(quorate);
        if (quorate) break;
        const set = await aisctl(['quorum', 'expected', '4'], socket(2));
        expect(set).toMatchObject({ status: 0, stderr: '' });
      }
      expect(seen).toEqual([false, true]);
      for (const index of [0, 1, 2]) {
        const needed = () => aisctl(['quorum', '--format', 'json'], socket(index)).then(document);
        await eventually(needed, (answer) => answer['needed'] === 3, 'votes needed');
        expect(await needed()).toMatchObject({ quorate: true, votes: 3, needed: 3, expected: 4 });
      }
      const refused = await aisctl(['quorum', 'expected', '2'], socket());
      expect(refused.status).toBe(1);
      expect(String(refused.stderr)).toContain('3 votes are present');
    },
  );
});
