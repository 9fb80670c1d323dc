import { CpgReason } from '@aisexec/cpg';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Kind } from './lab-config.ts';
import { Lab, missing } from './netns.ts';
import {
  CPeer,
  compilePeer,
  compilerMissing,
  NodePeer,
  sameDeliveries,
  sameMembers,
} from './peers.ts';

const TIMEOUT_MS = 240_000;
const why = missing ?? compilerMissing();
const describeLab = why === undefined ? describe : describe.skip;
const NODES = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;

describeLab(`process groups with libcpg${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  const peers: (CPeer | NodePeer)[] = [];
  afterEach(async () => {
    for (const peer of peers.splice(0)) {
      await (peer instanceof CPeer ? peer.kill() : peer.group.close());
    }
    await lab?.close();
    lab = undefined;
  });

  async function start(nodes: Readonly<Record<number, Kind>>): Promise<Lab> {
    lab = new Lab({ nodes });
    lab.start();
    await lab.ring(Object.keys(nodes).map(Number));
    return lab;
  }
  function c(lab: Lab, id: number, program: string): CPeer {
    const peer = new CPeer(lab.corosync(id), program, 'orders');
    peers.push(peer);
    return peer;
  }
  async function node(lab: Lab, id: number, pid: number): Promise<NodePeer> {
    const peer = await NodePeer.join(lab.aisexec(id), 'orders', pid);
    peers.push(peer);
    return peer;
  }

  test(
    'programs of C and Node.js are members of one group, and each sees who joins, leaves and dies',
    async () => {
      const lab = await start(NODES);
      const program = compilePeer(lab);
      const first = c(lab, 1, program);
      const ours = await node(lab, 2, 77);
      const third = c(lab, 3, program);
      await sameMembers([first, ours, third], [`1.${first.pid}`, '2.77', `3.${third.pid}`]);
      third.tell('leave');
      await sameMembers([first, ours], [`1.${first.pid}`, '2.77']);
      const last = ours.events.findLast((event) => event.type === 'members');
      expect(last).toMatchObject({
        left: [{ nodeId: 3, pid: third.pid, reason: CpgReason.leave }],
      });
      await ours.group.leave();
      await sameMembers([first], [`1.${first.pid}`]);
      expect(first.lines.at(-1)).toContain(`left=2.77:${CpgReason.leave}`);
      const again = await node(lab, 2, 77);
      await sameMembers([first, again], [`1.${first.pid}`, '2.77']);
      await first.kill();
      await sameMembers([again], ['2.77']);
    },
    TIMEOUT_MS,
  );

  test(
    'messages of 1 byte to 1 MB from all three are delivered everywhere in one order',
    async () => {
      const lab = await start(NODES);
      const program = compilePeer(lab);
      const first = c(lab, 1, program);
      const ours = await node(lab, 2, 77);
      const third = c(lab, 3, program);
      await sameMembers([first, ours, third], [`1.${first.pid}`, '2.77', `3.${third.pid}`]);
      first.tell('send 2000 1 3000 1');
      third.tell('send 2000 1 3000 2');
      await ours.send(2000, 1, 3000, 3);
      await sameDeliveries(peers, 6000);
      first.tell('send 10 900000 1047552 4');
      third.tell('send 10 900000 1047552 5');
      await ours.send(10, 900_000, 1_047_552, 6);
      await sameDeliveries(peers, 6030);
      for (const id of [1, 3]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'messages above what fits in one piece are cut by libcpg and by us, and arrive whole everywhere',
    async () => {
      const lab = await start(NODES);
      const program = compilePeer(lab);
      const first = c(lab, 1, program);
      const ours = await node(lab, 2, 77);
      const third = c(lab, 3, program);
      await sameMembers([first, ours, third], [`1.${first.pid}`, '2.77', `3.${third.pid}`]);
      first.tell('send 2 1047553 2200000 7');
      third.tell('send 2 1047553 2200000 8');
      await ours.send(2, 1_047_553, 2_200_000, 9);
      await sameDeliveries(peers, 6, TIMEOUT_MS / 2);
      for (const id of [1, 3]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
