import { LockService } from '@aisexec/lck';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from './netns.ts';
import { compilePeer, compilerMissing } from './peers.ts';
import { Stack, type StackOptions, stackMissing } from './stack.ts';

const TIMEOUT_MS = 120_000;
const why = stackMissing();
const describeStack = why === undefined ? describe : describe.skip;

describeStack(`executives on Corosync${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let stack: Stack | undefined;
  afterEach(async () => {
    await stack?.close();
    stack = undefined;
  });
  async function start(options: Partial<StackOptions> = {}): Promise<Stack> {
    stack = await Stack.start({ nodes: [1, 2, 3], ...options });
    return stack;
  }

  /** A lock taken on a node, and the promise of its loss. */
  async function hold(stack: Stack, id: number, name: string) {
    const locks = await LockService.connect({ socket: stack.node(id).socket });
    const resource = await locks.open(name, { create: true });
    const held = await resource.acquire('EX');
    const lost = new Promise<void>((resolve) => {
      held.signal.addEventListener('abort', () => resolve());
    });
    return { locks, held, lost };
  }

  test(
    'three form one quorate view, grant locks with rising tokens, and say what they run on',
    async () => {
      const stack = await start();
      expect(await stack.node(1).status()).toMatchObject({
        engine: 'corosync',
        quorum: { provider: 'corosync', quorate: true, votes: 3, needed: 2 },
      });
      const first = await hold(stack, 1, 'ledger');
      const token = first.held.fencingToken;
      await first.held.unlock();
      const second = await hold(stack, 3, 'ledger');
      expect(second.held.fencingToken).toBeGreaterThan(token);
      for (const { locks } of [first, second]) await locks.close();
      // All executives end, and with them every state; the numbers go on where they were.
      await Promise.all(stack.nodes.map((node) => node.stop()));
      for (const node of stack.nodes) node.start();
      await stack.view([1, 2, 3], true);
      const third = await hold(stack, 2, 'ledger');
      expect(third.held.fencingToken).toBeGreaterThan(second.held.fencingToken);
      await third.locks.close();
    },
    TIMEOUT_MS,
  );

  test(
    'a killed Corosync leaves its executive alone, whose clients are told; both come back',
    async () => {
      const stack = await start();
      const { locks, lost } = await hold(stack, 2, 'ledger');
      await stack.lab.node(2).stop('SIGKILL');
      await lost;
      await stack.view([2], false);
      await stack.view([1, 3], true);
      const other = await hold(stack, 1, 'ledger');
      stack.lab.node(2).start();
      await stack.view([1, 2, 3], true);
      expect(other.held.signal.aborted).toBe(false);
      await other.locks.close();
      await locks.close();
    },
    TIMEOUT_MS,
  );

  test(
    'a stopped Corosync is noticed before the others form a ring, and its executive comes back',
    async () => {
      const stack = await start();
      const { locks, lost } = await hold(stack, 3, 'ledger');
      stack.lab.node(3).signal('SIGSTOP');
      await lost;
      expect((await stack.node(3).view())?.quorate).toBe(false);
      expect(stack.node(3).logged('stands still')).not.toEqual([]);
      await stack.view([1, 2], true);
      stack.lab.node(3).signal('SIGCONT');
      await stack.view([1, 2, 3], true);
      await locks.close();
    },
    TIMEOUT_MS,
  );

  test(
    'an executive ends when it is told to, although its Corosync stands still',
    async () => {
      const stack = await start({ nodes: [1] });
      stack.lab.node(1).signal('SIGSTOP');
      await stack.view([1], false);
      await stack.node(1).stop('SIGTERM');
      expect(stack.node(1).exit).toBe('exit 0');
      const early = stack.extra(1, { state: 'early' });
      expect(await early.end()).toBe('exit 75');
      await early.says('stands still');
      stack.lab.node(1).signal('SIGCONT');
    },
    TIMEOUT_MS,
  );

  test(
    'a partition: locks are granted exactly where corosync-quorumtool says quorate',
    async () => {
      const stack = await start();
      stack.lab.cut([1], true);
      await stack.view([1], false);
      await stack.view([2, 3], true);
      expect((await stack.lab.corosync(1).status())?.quorate).toBe(false);
      expect((await stack.lab.corosync(2).status())?.quorate).toBe(true);
      stack.lab.cut([1], false);
      await stack.view([1, 2, 3], true);
    },
    TIMEOUT_MS,
  );

  test(
    'an executive that is killed, or stopped and resumed, is missed and comes back',
    async () => {
      const stack = await start();
      await stack.node(1).stop('SIGKILL');
      await stack.view([2, 3], true);
      stack.node(1).start();
      await stack.view([1, 2, 3], true);
      stack.node(2).signal('SIGSTOP');
      await stack.view([1, 3], true);
      stack.node(2).signal('SIGCONT');
      await stack.view([1, 2, 3], true);
      expect(stack.node(2).logged('did not wait')).not.toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'a second executive of one node, another node id, and a Corosync that is not there are refused by name',
    async () => {
      const stack = await start({ nodes: [1, 2] });
      const second = stack.extra(1, { state: 'second' });
      expect(await second.end()).toBe('exit 69');
      await second.says('another executive');
      const wrong = stack.extra(1, { state: 'third', nodeId: 2 });
      expect(await wrong.end()).toBe('exit 78');
      await wrong.says('set node.id to 1');
      await stack.view([1, 2], true);
      await stack.lab.node(1).stop('SIGKILL');
      const early = stack.extra(1, { state: 'fourth' });
      expect(await early.end()).toBe('exit 75');
      await early.says('systemctl start corosync');
      const patient = stack.extra(1, { state: 'fifth', corosync: { retry: true, group: 'late' } });
      await until(() =>
        patient.logged('corosync-unreachable').length > 0 ? undefined : patient.tail(),
      );
      stack.lab.node(1).start();
      await until(() => (patient.logged('"ready"').length > 0 ? undefined : patient.tail()));
      await patient.destroy();
    },
    TIMEOUT_MS,
  );

  test(
    'who may not talk to Corosync is told which file to write',
    async () => {
      const stack = await start({ nodes: [1] });
      const denied = stack.extra(1, { state: 'denied', uid: 65_534 });
      expect(await denied.end()).toBe('exit 75');
      await denied.says('uidgid');
    },
    TIMEOUT_MS,
  );

  (compilerMissing() === undefined ? test : test.skip)(
    'a stranger in the group is named and counted, and neither its messages nor its silence stop anything',
    async () => {
      const stack = await start();
      const program = compilePeer(stack.lab);
      const peer = stack.lab.node(2).spawn([program, 'aisexec']);
      // The last two are larger than Corosync's atomic limit: libcpg puts them together on our side, too.
      peer.stdin!.write('send 50 10 2000 1\nsend 2 3000000 3000000 1\n');
      await until(async () => {
        const all = await Promise.all(stack.nodes.map((node) => node.status()));
        const counts = all.map((status) => status?.counters['groups']?.['foreignDropped']);
        return counts.every((count) => count === 52) ? undefined : counts.join();
      });
      await stack.view([1, 2, 3], true);
      const { locks, held } = await hold(stack, 1, 'ledger');
      await held.unlock();
      await locks.close();
      for (const node of stack.nodes) {
        expect(node.logged('foreign-message')).toHaveLength(1);
        expect(node.logged('silent-members')).not.toEqual([]);
      }
      peer.kill('SIGKILL');
    },
    TIMEOUT_MS,
  );
});
