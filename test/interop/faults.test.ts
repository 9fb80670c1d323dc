import { afterEach, describe, expect, test } from '@jest/globals';
import { Lab, lossMissing, missing, until } from './netns.ts';
import {
  CPeer,
  compilePeer,
  compilerMissing,
  NodePeer,
  sameDeliveries,
  sameMembers,
} from './peers.ts';

const TIMEOUT_MS = 240_000;
const why = missing ?? compilerMissing() ?? lossMissing();
const describeLab = why === undefined ? describe : describe.skip;
const ALL = [1, 2, 3];
const MIDDLE = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;

describeLab(`faults beside Corosync${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  const peers: (CPeer | NodePeer)[] = [];
  afterEach(async () => {
    for (const peer of peers.splice(0)) {
      await (peer instanceof CPeer ? peer.kill() : peer.group.close());
    }
    await lab?.close();
    lab = undefined;
  });
  async function start(): Promise<Lab> {
    lab = new Lab({ nodes: MIDDLE });
    lab.start();
    await lab.ring(ALL);
    return lab;
  }
  async function group(lab: Lab): Promise<{ first: CPeer; ours: NodePeer; third: CPeer }> {
    const program = compilePeer(lab);
    const first = new CPeer(lab.corosync(1), program, 'orders');
    const third = new CPeer(lab.corosync(3), program, 'orders');
    peers.push(first, third);
    const ours = await NodePeer.join(lab.aisexec(2), 'orders', 77);
    peers.push(ours);
    await sameMembers(peers, [`1.${first.pid}`, '2.77', `3.${third.pid}`]);
    return { first, ours, third };
  }

  test.each([
    [2, 1, 300],
    [2, 5, 100],
    [1, 5, 100],
    [2, 20, 30],
  ])(
    'with node %d losing %d %% each way all deliver the same, and no daemon ends',
    async (victim, percent, count) => {
      const lab = await start();
      const { first, ours, third } = await group(lab);
      lab.loss(victim, percent);
      first.tell(`send ${count} 1 20000 1`);
      third.tell(`send ${count} 1 20000 2`);
      await ours.send(count, 1, 20_000, 3);
      await sameDeliveries(peers, 3 * count, TIMEOUT_MS / 2);
      lab.loss(victim, 0);
      for (const id of ALL) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'a node that dies under load takes its members along, and the others deliver the same',
    async () => {
      const lab = await start();
      const { first, ours, third } = await group(lab);
      third.tell('send 2000 1 3000 2');
      first.tell('send 500 1 3000 1');
      const sent = ours.send(500, 1, 3000, 3);
      await lab.node(3).stop('SIGKILL');
      await sent;
      await sameMembers([first, ours], [`1.${first.pid}`, '2.77']);
      first.tell('send 1 1 1 9');
      await sameDeliveries([first, ours], 1001);
      for (const id of [1, 2]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'messages that only one survivor has are recovered in both directions when their sender dies',
    async () => {
      const lab = await start();
      const { first, ours, third } = await group(lab);
      const copies = async () =>
        (await lab.aisexec(2).status())!.counters['ring']!['recoveryCopiesSent']!;
      const [a, b] = [`1.${first.pid}`, '2.77'];
      let victim = third;
      for (const deprived of [1, 2, 1, 2]) {
        const survivor = deprived === 1 ? ours : first;
        const [delivered, sent] = [(await survivor.delivered()).count, await copies()];
        lab.withholdMessages(deprived, true);
        victim.tell('send 5000 1000 1400 2');
        await until(async () =>
          (await survivor.delivered()).count > delivered + 40 ? undefined : 'no load yet',
        );
        await lab.node(3).stop('SIGKILL');
        lab.withholdMessages(deprived, false);
        await lab.ring([1, 2]);
        await sameMembers([first, ours], [a, b]);
        await ours.send(1, 1, 1, 9);
        await sameDeliveries([first, ours], (await survivor.delivered()).count);
        if (deprived === 1) expect(await copies()).toBeGreaterThan(sent);
        lab.node(3).start();
        await lab.ring(ALL);
        victim = new CPeer(lab.corosync(3), compilePeer(lab), 'orders');
        peers.push(victim);
        await sameMembers([first, ours, victim], [a, b, `3.${victim.pid}`]);
      }
      for (const id of ALL) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'deaths in the middle of synchronisation leave no ghosts, whichever step they hit',
    async () => {
      const lab = await start();
      const { first, ours } = await group(lab);
      for (let delay = 0; delay < 12; delay++) {
        lab.node(3).signal('SIGKILL');
        await lab.ring([1, 2]);
        lab.node(3).start();
        // Its first ring with the others is formed some 50 ms after its start; each round hits another moment.
        await new Promise((resolve) => setTimeout(resolve, 30 + 8 * delay));
        await lab.node(3).stop('SIGKILL');
      }
      await lab.ring([1, 2]);
      await sameMembers([first, ours], [`1.${first.pid}`, '2.77']);
      const listed = await lab.node(1).run(['corosync-cpgtool', '-n']);
      expect(listed).toContain('orders');
      const tool = await lab.node(1).run(['corosync-cpgtool']);
      expect([...tool.matchAll(/^\s+\S*\d+\s+\d+ \(/gm)]).toHaveLength(2);
      for (const id of [1, 2]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
