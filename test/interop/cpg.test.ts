import { CpgReason } from '@aisexec/cpg';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Kind } from './lab-config.ts';
import { Lab, missing } from './netns.ts';
import { OUR_PID, PeerGroup } from './peer-group.ts';
import { compilerMissing, sameMembers } from './peers.ts';

const TIMEOUT_MS = 240_000;
const why = missing ?? compilerMissing();
const describeLab = why === undefined ? describe : describe.skip;
const NODES = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;

describeLab(`process groups with libcpg${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  let group: PeerGroup | undefined;
  afterEach(async () => {
    await group?.close();
    await lab?.close();
    group = lab = undefined;
  });

  /** A member behind each node. */
  async function start(nodes: Readonly<Record<number, Kind>>) {
    lab = new Lab({ nodes });
    lab.start();
    const ids = Object.keys(nodes).map(Number);
    await lab.ring(ids);
    group = new PeerGroup(lab);
    await group.join(ids);
    return { lab, group, first: group.c(1), ours: group.node(2), third: group.c(3) };
  }

  test(
    'programs of C and Node.js are members of one group, and each sees who joins, leaves and dies',
    async () => {
      const { group, first, ours, third } = await start(NODES);
      const [c, node] = [`1.${first.pid}`, `2.${OUR_PID}`];
      third.tell('leave');
      await sameMembers([first, ours], [c, node]);
      const last = ours.events.findLast((event) => event.type === 'members');
      expect(last).toMatchObject({
        left: [{ nodeId: 3, pid: third.pid, reason: CpgReason.leave }],
      });
      await ours.group.leave();
      await sameMembers([first], [c]);
      expect(first.lines.at(-1)).toContain(`left=${node}:${CpgReason.leave}`);
      await group.leave(3);
      await group.leave(2);
      await group.join([2]);
      await group.leave(1);
      await group.agree();
    },
    TIMEOUT_MS,
  );

  test(
    'messages of 1 byte to 1 MB from all three are delivered everywhere in one order',
    async () => {
      const { lab, group, first, ours, third } = await start(NODES);
      first.tell('send 2000 1 3000 1');
      third.tell('send 2000 1 3000 2');
      await ours.send(2000, 1, 3000, 3);
      await group.same(6000);
      first.tell('send 10 900000 1047552 4');
      third.tell('send 10 900000 1047552 5');
      await ours.send(10, 900_000, 1_047_552, 6);
      await group.same(6030);
      for (const id of [1, 3]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'messages above what fits in one piece are cut by libcpg and by us, and arrive whole everywhere',
    async () => {
      const { lab, group, first, ours, third } = await start(NODES);
      first.tell('send 2 1047553 2200000 7');
      third.tell('send 2 1047553 2200000 8');
      await ours.send(2, 1_047_553, 2_200_000, 9);
      await group.same(6, TIMEOUT_MS / 2);
      for (const id of [1, 3]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
