import { afterEach, describe, expect, test } from '@jest/globals';
import type { Kind, LabOptions } from './lab-config.ts';
import { Lab, missing, until } from './netns.ts';

const TIMEOUT_MS = 120_000;
const describeLab = missing === undefined ? describe : describe.skip;
const ALL = [1, 2, 3];
/** Node 2 is ours, between the daemons. */
const MIDDLE = { 1: 'corosync', 2: 'aisexec', 3: 'corosync' } as const;
/** Node 1 is ours: the representative. */
const LOWEST = { 1: 'aisexec', 2: 'corosync', 3: 'corosync' } as const;

describeLab(`a ring with Corosync${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let lab: Lab | undefined;
  afterEach(async () => {
    await lab?.close();
    lab = undefined;
  });
  function build(options: LabOptions): Lab {
    lab = new Lab(options);
    return lab;
  }
  async function formed(options: LabOptions): Promise<Lab> {
    const lab = build(options);
    lab.start();
    await lab.ring(Object.keys(options.nodes).map(Number));
    return lab;
  }
  /** No daemon has ended but those that the test has ended. */
  function allAlive(lab: Lab, but: readonly number[] = []): void {
    const ended = lab.nodes.filter(({ id, exit }) => exit !== undefined && !but.includes(id));
    expect(ended.map((node) => node.tail())).toEqual([]);
  }
  async function quorate(lab: Lab, ids: readonly number[], votes: number): Promise<void> {
    await until(async () => {
      const seen = await Promise.all(ids.map((id) => votesAt(lab, id)));
      return seen.every((one) => one === `${votes} true`) ? undefined : seen.join('; ');
    });
  }

  test.each(ALL)(
    'an executive joins two daemons as node %d; all show one ring of three with three votes',
    async (own) => {
      const kinds: Record<number, Kind> = { 1: 'corosync', 2: 'corosync', 3: 'corosync' };
      const lab = build({ nodes: { ...kinds, [own]: 'aisexec' } });
      const others = ALL.filter((id) => id !== own);
      for (const id of others) lab.node(id).start();
      await lab.ring(others);
      const before = performance.now();
      lab.node(own).start();
      await lab.ring(ALL);
      expect(performance.now() - before).toBeLessThan(10_000);
      await quorate(lab, ALL, 3);
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['in the middle', MIDDLE],
    ['as the representative', LOWEST],
  ])(
    'an idle ring with an executive %s turns once per hold time, and nobody asks for anything again',
    async (_, nodes) => {
      const lab = await formed({ nodes });
      const own = lab.nodes.find((node) => 'socket' in node)!.id;
      const status = async () => (await lab.aisexec(own).status())!;
      const { id } = (await status()).ring;
      const visits = async () => (await status()).counters['ring']!['tokenVisits']!;
      const holds = async () => (await status()).counters['ring']!['tokenHolds']!;
      const first = await visits();
      // Past the 30 rotations before the token is held; only the representative counts holds.
      await until(async () => {
        const isHeld = (await holds()) > 2 || (await visits()) - first > 40;
        return isHeld ? undefined : 'turning';
      });
      const held = await visits();
      const since = performance.now();
      await until(async () => ((await visits()) - held >= 10 ? undefined : 'held'));
      // token 1000 + 650 for the third node: a hold of 304 ms.
      const period = (performance.now() - since) / 10;
      expect(period).toBeGreaterThan(200);
      expect(period).toBeLessThan(600);
      const after = await status();
      expect(after.ring.id).toBe(id);
      expect(after.counters['ring']).toMatchObject({ resendsRequested: 0, tokenLosses: 0 });
      for (const node of lab.nodes) expect(node.logged('Retransmit List')).toEqual([]);
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['in the middle', MIDDLE],
    ['as the representative', LOWEST],
  ])(
    'with an executive %s each member in turn is killed and comes back, and two votes of three go on',
    async (_, nodes) => {
      const lab = await formed({ nodes });
      for (const victim of ALL) {
        const others = ALL.filter((id) => id !== victim);
        await lab.node(victim).stop('SIGKILL');
        await lab.ring(others);
        await quorate(lab, others, 2);
        allAlive(lab, [victim]);
        lab.node(victim).start();
        await lab.ring(ALL);
        await quorate(lab, ALL, 3);
      }
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test(
    'each member leaves in good order and the others go on long before a token is lost',
    async () => {
      const lab = await formed({ nodes: MIDDLE, totem: { token: 8000 } });
      for (const leaver of ALL) {
        const others = ALL.filter((id) => id !== leaver);
        await lab.node(leaver).stop('SIGTERM');
        const start = performance.now();
        await lab.ring(others);
        expect(performance.now() - start).toBeLessThan(4000);
        lab.node(leaver).start();
        await lab.ring(ALL);
      }
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test(
    'a member that was stopped for longer than a token comes back into the ring',
    async () => {
      const lab = await formed({ nodes: MIDDLE });
      for (const victim of ALL) {
        const others = ALL.filter((id) => id !== victim);
        lab.node(victim).signal('SIGSTOP');
        await lab.ring(others);
        lab.node(victim).signal('SIGCONT');
        await lab.ring(ALL);
      }
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test(
    'a partition heals, on whichever side the executive was',
    async () => {
      const lab = await formed({ nodes: MIDDLE });
      for (const alone of ALL) {
        const others = ALL.filter((id) => id !== alone);
        lab.cut([alone], true);
        await lab.ring(others);
        await lab.ring([alone]);
        await quorate(lab, others, 2);
        lab.cut([alone], false);
        await lab.ring(ALL);
      }
      await quorate(lab, ALL, 3);
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test(
    'a ring of two with two_node is quorate when both were there, and stays so when one dies',
    async () => {
      const nodes = { 1: 'corosync', 2: 'aisexec' } as const;
      const lab = build({ nodes, quorum: { two_node: 1 } });
      lab.node(2).start();
      await lab.ring([2]);
      expect(await votesAt(lab, 2)).toBe('1 false');
      lab.node(1).start();
      await lab.ring([1, 2]);
      await quorate(lab, [1, 2], 2);
      await lab.node(1).stop('SIGKILL');
      await lab.ring([2]);
      await quorate(lab, [2], 1);
    },
    TIMEOUT_MS,
  );

  test(
    'an operator kills the executive with corosync-cfgtool -k, and the daemons go on',
    async () => {
      const lab = await formed({ nodes: MIDDLE });
      await lab.node(1).run(['corosync-cfgtool', '-k', '2']);
      await until(() => (lab.node(2).running ? 'still running' : undefined));
      await until(() =>
        lab.node(2).logged('killed by an operator').length > 0 ? undefined : lab.node(2).tail(),
      );
      await lab.ring([1, 3]);
      allAlive(lab, [2]);
    },
    TIMEOUT_MS,
  );

  test(
    'the ring sequence of an executive never goes back over restarts',
    async () => {
      const lab = await formed({ nodes: LOWEST });
      let last = 0;
      for (let round = 0; round < 3; round++) {
        const seq = Number((await lab.node(1).ring())!.id.split('.')[1]);
        expect(seq).toBeGreaterThan(last);
        last = seq;
        await lab.node(1).stop('SIGKILL');
        lab.node(1).start();
        await lab.ring(ALL);
      }
    },
    TIMEOUT_MS,
  );

  test.each(['udp', 'udpu'] as const)(
    'executives and daemons form one ring over %s and IPv6',
    async (transport) => {
      const lab = await formed({ nodes: MIDDLE, transport, family: 'inet6' });
      await quorate(lab, ALL, 3);
      allAlive(lab);
    },
    TIMEOUT_MS,
  );

  test(
    'executives and daemons form one ring over multicast, and survive a death',
    async () => {
      const lab = await formed({ nodes: MIDDLE, transport: 'udp' });
      await quorate(lab, ALL, 3);
      await lab.node(2).stop('SIGKILL');
      await lab.ring([1, 3]);
      lab.node(2).start();
      await lab.ring(ALL);
      await lab.node(1).stop('SIGKILL');
      await lab.ring([2, 3]);
      allAlive(lab, [1]);
    },
    TIMEOUT_MS,
  );
});

/** `votes quorate`, as the node sees it. */
async function votesAt(lab: Lab, id: number): Promise<string> {
  const node = lab.node(id);
  if ('socket' in node) {
    const { quorum } = (await lab.aisexec(id).status()) ?? {};
    return `${quorum?.votes} ${quorum?.quorate}`;
  }
  const status = await lab.corosync(id).status();
  return `${status?.votes} ${status?.quorate}`;
}
