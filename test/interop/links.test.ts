import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyFile } from '@aisexec/executive/key-file';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Lab, lossMissing, missing, namespacesMissing, until } from './netns.ts';
import { NodePeer, sameDeliveries, sameMembers } from './peers.ts';

const AISCTL = fileURLToPath(new URL('../../packages/ctl/dist/bin/aisctl.js', import.meta.url));
const TIMEOUT_MS = 120_000;
const ALL = [1, 2, 3];
const why = namespacesMissing ?? lossMissing();
const describeLab = why === undefined ? describe : describe.skip;
const testMixed = missing === undefined ? test : test.skip;

/** Ways to lose one network of node 2, and to get it back. */
type Damage = readonly [name: string, network: 0 | 1, change: (lab: Lab, on: boolean) => void];
const DAMAGES: readonly Damage[] = [
  ['packets dropped without a word', 0, (lab, on) => lab.drop(2, 0, on)],
  ['the cable pulled at the switch', 1, (lab, on) => lab.cut([2], on, 1)],
  ['ip link set down', 0, (lab, on) => lab.ip(2, 'link', 'set', 'eth0', on ? 'down' : 'up')],
  [
    'the address taken away',
    1,
    (lab, on) => lab.ip(2, 'addr', on ? 'del' : 'add', '10.9.1.2/24', 'dev', 'eth1'),
  ],
];

/** What is left without link 0, without link 1. */
const WITHOUT = ['0 down, 1 up used', '0 up used, 1 down'] as const;

/** A new key for all nodes, in the place of the one they have. */
function giveKey(lab: Lab, id: number): void {
  const path = join(lab.directory, `key-${id}`);
  createKeyFile(path, id);
  for (const node of ALL.map((one) => lab.aisexec(one))) {
    copyFileSync(path, `${node.keyFile}.new`);
    renameSync(`${node.keyFile}.new`, node.keyFile);
  }
  rmSync(path);
}

describeLab(`two networks${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  const peers: NodePeer[] = [];
  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer.group.close();
    await lab?.close();
    lab = undefined;
  });

  /** The links of node 2 to its peers that have two, as `link state`, each once. */
  const linksOf = async (lab: Lab, id: number): Promise<string> => {
    const links = (await lab.aisexec(id).status())?.ring.links ?? [];
    const texts = links
      .filter(({ peer, state }) => state !== 'single' && (id === 2 || peer === 2))
      .map(({ link, state, used }) => `${link} ${state}${used ? ' used' : ''}`);
    return [...new Set(texts)].sort().join(', ');
  };
  const allShow = (lab: Lab, ids: readonly number[], wanted: string): Promise<void> =>
    until(
      async () => {
        const shown = await Promise.all(ids.map((id) => linksOf(lab, id)));
        return shown.every((one) => one === wanted) ? undefined : shown.join('; ');
      },
      () => lab.nodes.map((node) => node.tail()).join('\n'),
    );
  const gathers = (lab: Lab, ids: readonly number[]): number[] =>
    ids.map((id) => lab.aisexec(id).logged('enter-gather').length);

  test.each([
    ['passive', '0 up used, 1 up', DAMAGES],
    ['active', '0 up used, 1 up used', [DAMAGES[0]!, DAMAGES[3]!]],
  ] as const)(
    '%s: either may go under load, whichever way, and nobody sees a configuration change',
    async (mode, healthy, damages) => {
      const nodes = { 1: 'aisexec', 2: 'aisexec', 3: 'aisexec' } as const;
      lab = new Lab({ nodes, networks: 2, totem: { link_mode: mode } });
      lab.start();
      await lab.ring(ALL);
      await allShow(lab, ALL, healthy);
      for (const id of ALL) peers.push(await NodePeer.join(lab.aisexec(id), 'orders', id));
      await sameMembers(peers, ['1.1', '2.2', '3.3']);
      const shown = await lab
        .node(2)
        .run([process.execPath, AISCTL, 'status', '--socket', lab.aisexec(2).socket]);
      expect(shown).toMatch(/^links to 3 +0 up [\d.]+ ms used, 1 up [\d.]+ ms/m);
      const before = gathers(lab, ALL);
      let count = 0;
      for (const [i, [name, network, change]] of damages.entries()) {
        const load = peers.map((peer, seed) => peer.send(200, 1, 3_000, seed + i));
        change(lab, true);
        await allShow(lab, ALL, WITHOUT[network]);
        await Promise.all(load);
        count += 600;
        await sameDeliveries(peers, count, TIMEOUT_MS / 2);
        change(lab, false);
        await allShow(lab, ALL, healthy);
        expect([name, ...gathers(lab, ALL)]).toEqual([name, ...before]);
      }
      for (const id of ALL) {
        for (const event of ['link-down', 'link-up']) {
          expect(lab.aisexec(id).logged(`"${event}"`).length).toBeGreaterThan(0);
        }
      }
    },
    TIMEOUT_MS,
  );

  test(
    'a node whose first network is dead joins over the second, and uses the first when it is there',
    async () => {
      const nodes = { 1: 'aisexec', 2: 'aisexec', 3: 'aisexec' } as const;
      lab = new Lab({ nodes, networks: 2 });
      lab.ip(2, 'addr', 'del', '10.9.0.2/24', 'dev', 'eth0');
      lab.start();
      await lab.ring(ALL);
      const before = gathers(lab, ALL);
      lab.ip(2, 'addr', 'add', '10.9.0.2/24', 'dev', 'eth0');
      await allShow(lab, ALL, '0 up used, 1 up');
      expect(gathers(lab, ALL)).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['passive', '0 up used, 1 up'],
    ['active', '0 up used, 1 up used'],
  ] as const)(
    '%s and sealed: with one network cut the key changes under load, and nobody sees a configuration change',
    async (mode, healthy) => {
      const nodes = { 1: 'aisexec', 2: 'aisexec', 3: 'aisexec' } as const;
      lab = new Lab({ nodes, networks: 2, totem: { link_mode: mode }, sealed: true });
      giveKey(lab, 1);
      lab.start();
      await lab.ring(ALL);
      await allShow(lab, ALL, healthy);
      for (const id of ALL) peers.push(await NodePeer.join(lab.aisexec(id), 'orders', id));
      await sameMembers(peers, ['1.1', '2.2', '3.3']);
      const before = gathers(lab, ALL);
      const load = peers.map((peer, seed) => peer.send(200, 1, 3_000, seed));
      lab.drop(2, 0, true);
      await allShow(lab, ALL, WITHOUT[0]);
      giveKey(lab, 2);
      const rotation = await lab
        .node(1)
        .run([process.execPath, AISCTL, 'key', 'rotate', '--socket', lab.aisexec(1).socket]);
      for (const id of ALL) {
        const rotated = () => lab!.aisexec(id).logged('"key-rotated"').length;
        await until(() => (rotated() > 0 ? undefined : `not rotated at ${id}: ${rotation}`));
      }
      await Promise.all(load);
      await sameDeliveries(peers, 600, TIMEOUT_MS / 2);
      // The first network comes back under the new key.
      lab.drop(2, 0, false);
      await allShow(lab, ALL, healthy);
      expect(gathers(lab, ALL)).toEqual(before);
    },
    TIMEOUT_MS,
  );

  testMixed(
    'beside a corosync daemon, which is on the first network alone, the second may go and come',
    async () => {
      const nodes = { 1: 'corosync', 2: 'aisexec', 3: 'aisexec' } as const;
      lab = new Lab({ nodes, networks: 2 });
      lab.start();
      await lab.ring(ALL);
      const ours = [2, 3];
      await allShow(lab, ours, '0 up used, 1 up');
      const before = gathers(lab, ours);
      lab.cut([2], true, 1);
      await allShow(lab, ours, '0 up used, 1 down');
      lab.cut([2], false, 1);
      await allShow(lab, ours, '0 up used, 1 up');
      expect(gathers(lab, ours)).toEqual(before);
      expect(lab.corosync(1).running).toBe(true);
    },
    TIMEOUT_MS,
  );
});
