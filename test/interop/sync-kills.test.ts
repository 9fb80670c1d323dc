/**
 * Check A6: a node is killed at each message of a synchronisation (the first build, each barrier, CPG's joinlist,
 * votequorum's nodeinfo), of their kind and of ours, as the one that comes in and as one that was there. A spy in the
 * nodelist sees the message and kills at once. The others form their ring, have no ghosts and go on alike.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Lab, missing, until } from './netns.ts';
import { PeerGroup } from './peer-group.ts';
import { compilerMissing } from './peers.ts';

const TIMEOUT_MS = 900_000;
const why = missing ?? compilerMissing();
const describeLab = why === undefined ? describe : describe.skip;
const IS_LONG = process.env['AISEXEC_LONG'] === '1';
const RING = [1, 2, 3];
const OURS = 2;
const SPY = 4;
const NODES = { 1: 'corosync', 2: 'aisexec', 3: 'corosync', 4: 'spy' } as const;
/** The union of Corosync's services and ours has five: cmap, CPG, quorum, votequorum, and that of our executives. */
const STEPS = 5;
const POINTS = [
  'build',
  'joinlist',
  'nodeinfo',
  ...Array.from({ length: STEPS }, (_, i) => `barrier ${i + 1}`),
];
const ROUNDS: readonly (readonly [string, number, number])[] = [
  ['the daemon that comes in', 3, 3],
  ['an executive that was there', 2, 1],
  ['the executive that comes in', 2, 2],
  ['a daemon that was there', 3, 1],
];

describeLab(`kills in synchronisation${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  let group: PeerGroup | undefined;
  afterEach(async () => {
    await group?.close();
    await lab?.close();
    group = lab = undefined;
  });

  test.each(IS_LONG ? ROUNDS : ROUNDS.slice(0, 2))(
    'A6: %s is killed at each message of a synchronisation',
    async (_, victim, joiner) => {
      lab = new Lab({ nodes: NODES, totem: { token: 600, token_coefficient: 50 } });
      lab.start();
      await lab.ring(RING);
      group = new PeerGroup(lab);
      const survivors = RING.filter((id) => id !== victim);
      for (const point of POINTS) {
        await group.join(RING);
        await group.leave(joiner);
        await lab.node(joiner).stop('SIGKILL');
        await lab.ring(RING.filter((id) => id !== joiner));
        if (victim === joiner) lab.node(joiner).start();
        const { pid } = lab.node(victim);
        lab.node(SPY).tell(`kill ${pid} ${joiner} ${point}`);
        if (victim !== joiner) lab.node(joiner).start();
        await until(
          () => (lab!.node(victim).running ? `no ${point}` : undefined),
          () => lab!.nodes.map((node) => node.tail()).join('\n'),
        );
        expect(lab.node(SPY).logged(`killed at ${point} of`)).toHaveLength(1);
        await group.leave(victim);
        await lab.ring(survivors);
        await group.join(survivors);
        await noGhosts(lab, survivors);
        await sameFromNowOn(group, survivors);
        for (const id of survivors) expect(lab.node(id).exit).toBeUndefined();
        lab.node(victim).start();
        await lab.ring(RING);
      }
    },
    TIMEOUT_MS,
  );

  /** As `corosync-cpgtool` has it: a line with a pid for each process. */
  async function noGhosts(lab: Lab, survivors: readonly number[]): Promise<void> {
    const daemon = survivors.find((id) => id !== OURS)!;
    const listed = await lab.node(daemon).run(['corosync-cpgtool']);
    const found = [...listed.matchAll(/^\s+\S*\d+\s+(\d+) \(/gm)].map((match) => Number(match[1]));
    expect(found.sort()).toEqual([...survivors]);
  }

  /** New processes, so that all have heard the same from their beginning on. */
  async function sameFromNowOn(group: PeerGroup, survivors: readonly number[]): Promise<void> {
    await group.close();
    await group.join(survivors);
    await group.exchange(20, 1, 3000);
  }
});
