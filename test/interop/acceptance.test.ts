/**
 * The checks of the acceptance list (README.md) that need a story of their own: what members that stay together
 * have delivered through every fault (A4), load, loss and forged packets in one run (A2, A3, A8), and early token
 * release beside daemons that know nothing of it (A10).
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Lab, lossMissing, missing, until } from './netns.ts';
import { PeerGroup } from './peer-group.ts';
import { CPeer, compilerMissing } from './peers.ts';
import { checkSynchrony, type History } from './synchrony.ts';

const TIMEOUT_MS = 600_000;
const why = missing ?? compilerMissing() ?? lossMissing();
const describeLab = why === undefined ? describe : describe.skip;
const ALL = [1, 2, 3];
const KINDS = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;
const COROSYNCS = [1, 3];
/** Deaths are noticed within 1.5 s, so that many of them fit into a test. */
const QUICK = { token: 600, token_coefficient: 50 };
const IS_LONG = process.env['AISEXEC_LONG'] === '1';
const BYTES_MAX = 2000;
const VICTIMS = IS_LONG ? ALL : [2, 3];
const MIXED_LOAD = fileURLToPath(new URL('./mixed-load.mjs', import.meta.url));

describeLab(`acceptance${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: Lab | undefined;
  let group: PeerGroup | undefined;
  afterEach(async () => {
    await group?.close();
    await lab?.close();
    group = lab = undefined;
  });

  /** Everybody sends, each as fast as it can, until the returned function is called; it resolves when all is sent. */
  function load(group: PeerGroup, seed: number): () => Promise<void> {
    let isOver = false;
    const senders = group.entries.map(([id, peer]) => {
      const at = peer instanceof CPeer ? peer.lines.length : 0;
      let isSent = () => peer instanceof CPeer && peer.lines.slice(at).some(isLastWord);
      if (peer instanceof CPeer) peer.tell(`flood 1 ${BYTES_MAX} ${seed + id}`);
      else {
        const over = () => {
          isSent = () => true;
        };
        peer.send(Number.POSITIVE_INFINITY, 1, BYTES_MAX, seed + id, () => isOver).then(over, over);
      }
      return async () => {
        if (peer instanceof CPeer) peer.tell('calm');
        // Who died with its daemon has nothing more to say.
        await until(() => (isSent() || group.at(id) !== peer ? undefined : `node ${id} sends`));
      };
    });
    return async () => {
      isOver = true;
      await Promise.all(senders.map((over) => over()));
    };
  }

  type Fault = (lab: Lab, victim: number, others: readonly number[]) => Promise<void>;
  const died =
    (signal: 'SIGKILL' | 'SIGTERM'): Fault =>
    async (lab, victim, others) => {
      await lab.node(victim).stop(signal);
      await group?.leave(victim);
      await lab.ring(others);
      lab.node(victim).start();
    };
  const partitioned: Fault = async (lab, victim, others) => {
    lab.cut([victim], true);
    await lab.ring(others);
    await lab.ring([victim]);
    lab.cut([victim], false);
  };
  const stopped: Fault = async (lab, victim, others) => {
    lab.node(victim).signal('SIGSTOP');
    await lab.ring(others);
    lab.node(victim).signal('SIGCONT');
  };

  test.each([
    ['kill -9', died('SIGKILL')],
    ['leave', died('SIGTERM')],
    ['partition', partitioned],
    ['SIGSTOP', stopped],
  ])(
    'A4: %s of each member in turn under load: who stays together delivers the same from ring to ring',
    async (_, fault) => {
      lab = new Lab({ nodes: KINDS, totem: QUICK });
      lab.start();
      await lab.ring(ALL);
      const first = (await lab.node(1).ring())!.id;
      group = new PeerGroup(lab, true);
      await group.join(ALL);
      const known = new Map(group.all.map((peer) => [peer, first]));
      const nodeOf = new Map(group.entries.map(([id, peer]) => [peer, id]));
      for (const victim of VICTIMS) {
        const others = ALL.filter((id) => id !== victim);
        const quiet = load(group, 100 * victim);
        await fault(lab, victim, others);
        await lab.ring(ALL);
        await group.join(ALL);
        for (const [id, peer] of group.entries) nodeOf.set(peer, id);
        await quiet();
        for (const id of others) expect(lab.node(id).exit).toBeUndefined();
      }
      // Ends the last ring of the others, so that it is compared, too.
      await lab.node(1).stop('SIGTERM');
      await lab.ring([2, 3]);
      const last = (await lab.node(2).ring())!.id;
      await until(() => {
        const shown = [2, 3].map((id) => group!.at(id)!.segments().at(-1)?.to);
        return shown.every((to) => to === last) ? undefined : shown.join();
      });
      const histories: History[] = [...nodeOf].map(([peer, node]) => {
        return { node, segments: peer.segments(known.get(peer)) };
      });
      const { pairs } = checkSynchrony(histories, COROSYNCS);
      // The two survivors of each round on the way to the ring without the victim, and in the end.
      expect(pairs).toBeGreaterThan(VICTIMS.length);
    },
    TIMEOUT_MS,
  );

  test(
    'A2, A3, A8: three kinds of load, loss at every node and forged packets leave hashes equal and daemons alive',
    async () => {
      const size = IS_LONG
        ? ['--messages', '100000', '--loss', '0,1,5,20', '--fuzz', '1000000']
        : ['--messages', '600', '--bytes', '50000', '--loss', '0,1,5', '--fuzz', '10000'];
      const run = promisify(execFile);
      // Ends with status 1, and so rejects, where a hash differs or a daemon ended.
      const { stdout } = await run(process.execPath, [MIXED_LOAD, ...size, '--format', 'json']);
      const rows = JSON.parse(stdout) as { what: string; equal: boolean; dropped?: number }[];
      expect(rows.every(({ equal }) => equal)).toBe(true);
      expect(rows.at(-1)?.dropped).toBeGreaterThan(1000);
    },
    IS_LONG ? 6 * 3_600_000 : TIMEOUT_MS,
  );

  test.each([
    ['udp', 'inet'],
    ['udp', 'inet6'],
    ['udpu', 'inet6'],
  ] as const)(
    'A2: over %s and %s all deliver the same, small messages and such as travel in fragments',
    async (transport, family) => {
      lab = new Lab({ nodes: KINDS, transport, family });
      lab.start();
      await lab.ring(ALL);
      group = new PeerGroup(lab);
      await group.join(ALL);
      await group.exchange(300, 1, 20_000);
      for (const id of [1, 3]) expect(lab.node(id).exit).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test.each([0, 17])(
    'A10: with an accelerated_window of %d the daemons ask for nothing again on a clean link',
    async (window) => {
      lab = new Lab({ nodes: KINDS, ours: { accelerated_window: window } });
      lab.start();
      await lab.ring(ALL);
      group = new PeerGroup(lab);
      await group.join(ALL);
      await group.exchange(1000, 1, 3000);
      const counters = (await lab.aisexec(2).status())!.counters['ring']!;
      expect(counters['messagesOvertaken']! > 0).toBe(window > 0);
      expect(counters).toMatchObject({ messagesResent: 0, resendsRequested: 0 });
      for (const id of [1, 3]) expect(lab.node(id).logged('Retransmit List')).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

function isLastWord(line: string): boolean {
  return line.startsWith('sent');
}
