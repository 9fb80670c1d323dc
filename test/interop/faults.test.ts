import { afterEach, describe, expect, test } from '@jest/globals';
import { Lab, lossMissing, missing, until } from './netns.ts';
import { PeerGroup } from './peer-group.ts';
import { compilerMissing } from './peers.ts';

const TIMEOUT_MS = 240_000;
const why = missing ?? compilerMissing() ?? lossMissing();
const describeLab = why === undefined ? describe : describe.skip;
const ALL = [1, 2, 3];
const MIDDLE = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;

describeLab(`faults beside Corosync${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  let group: PeerGroup | undefined;
  afterEach(async () => {
    await group?.close();
    await lab?.close();
    group = lab = undefined;
  });
  async function start() {
    lab = new Lab({ nodes: MIDDLE });
    lab.start();
    await lab.ring(ALL);
    group = new PeerGroup(lab);
    await group.join(ALL);
    return { lab, group, first: group.c(1), ours: group.node(2), third: group.c(3) };
  }

  test.each([
    [2, 1, 300],
    [2, 5, 100],
    [1, 5, 100],
    [2, 20, 30],
  ])(
    'with node %d losing %d %% each way all deliver the same, and no daemon ends',
    async (victim, percent, count) => {
      const { lab, group, first, ours, third } = await start();
      lab.loss(victim, percent);
      first.tell(`send ${count} 1 20000 1`);
      third.tell(`send ${count} 1 20000 2`);
      await ours.send(count, 1, 20_000, 3);
      await group.same(3 * count, TIMEOUT_MS / 2);
      lab.loss(victim, 0);
      for (const id of ALL) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'a node that dies under load takes its members along, and the others deliver the same',
    async () => {
      const { lab, group, first, ours, third } = await start();
      third.tell('send 2000 1 3000 2');
      first.tell('send 500 1 3000 1');
      const sent = ours.send(500, 1, 3000, 3);
      await lab.node(3).stop('SIGKILL');
      await sent;
      await group.leave(3);
      await group.agree();
      first.tell('send 1 1 1 9');
      await group.same(1001);
      for (const id of [1, 2]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'messages that only one survivor has are recovered in both directions when their sender dies',
    async () => {
      const { lab, group, first, ours } = await start();
      const copies = async () =>
        (await lab.aisexec(2).status())!.counters['ring']!['recoveryCopiesSent']!;
      for (const deprived of [1, 2, 1, 2]) {
        const survivor = deprived === 1 ? ours : first;
        const [delivered, sent] = [(await survivor.delivered()).count, await copies()];
        lab.withholdMessages(deprived, true);
        group.c(3).tell('send 5000 1000 1400 2');
        await until(async () =>
          (await survivor.delivered()).count > delivered + 40 ? undefined : 'no load yet',
        );
        await lab.node(3).stop('SIGKILL');
        lab.withholdMessages(deprived, false);
        await lab.ring([1, 2]);
        await group.leave(3);
        await group.agree();
        await ours.send(1, 1, 1, 9);
        await group.same((await survivor.delivered()).count);
        if (deprived === 1) expect(await copies()).toBeGreaterThan(sent);
        lab.node(3).start();
        await lab.ring(ALL);
        await group.join([3]);
      }
      for (const id of ALL) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test(
    'deaths in the middle of synchronisation leave no ghosts, whichever step they hit',
    async () => {
      const { lab, group } = await start();
      for (let delay = 0; delay < 12; delay++) {
        lab.node(3).signal('SIGKILL');
        await lab.ring([1, 2]);
        lab.node(3).start();
        // Its first ring with the others is formed some 50 ms after its start; each round hits another moment.
        await new Promise((resolve) => setTimeout(resolve, 30 + 8 * delay));
        await lab.node(3).stop('SIGKILL');
      }
      await lab.ring([1, 2]);
      await group.leave(3);
      await group.agree();
      const listed = await lab.node(1).run(['corosync-cpgtool', '-n']);
      expect(listed).toContain('orders');
      const tool = await lab.node(1).run(['corosync-cpgtool']);
      expect([...tool.matchAll(/^\s+\S*\d+\s+\d+ \(/gm)]).toHaveLength(2);
      for (const id of [1, 2]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
