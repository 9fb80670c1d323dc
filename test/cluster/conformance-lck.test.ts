/** The conformance table of LCK against real executives: every row through the socket of a daemon. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import {
  Case,
  type ConformanceWorld,
  type Placement,
} from '../../packages/lck/src/conformance/case.fixture.ts';
import { outcomeText } from '../../packages/lck/src/conformance/row.fixture.ts';
import { TABLE } from '../../packages/lck/src/conformance/table.fixture.ts';
import { membersEverywhere, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const VICTIM = fileURLToPath(new URL('./lock-victim.mjs', import.meta.url));
const NODES = 3;

describe('the conformance table on three real executives', () => {
  const cluster = useCluster({ nodes: NODES });
  const victims = new Set<ChildProcess>();
  afterAll(() => {
    for (const victim of victims) victim.kill('SIGKILL');
  });
  const nodeOf = (id: number) => cluster.nodes[id - 1]!;
  const world: ConformanceWorld = {
    connect: (node) => ({ socket: nodeOf(node).socket }),
    async victim(node, resource, state) {
      const args = [VICTIM, nodeOf(node).socket, resource, state];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      victims.add(child);
      child.once('exit', () => victims.delete(child));
      await once(child.stdout, 'data');
      return { kill: () => void child.kill('SIGKILL') };
    },
    isolate(node) {
      for (const other of cluster.nodes) if (other.id !== node) other.pause();
    },
    async rejoin() {
      for (const other of cluster.nodes) other.resume();
      await membersEverywhere(cluster.nodes, NODES);
    },
    async endExecutive(node) {
      const ended = nodeOf(node);
      ended.kill();
      await ended.exited();
      await ended.start();
      await membersEverywhere(cluster.nodes, NODES);
    },
  };

  const check = async (placement: Placement, index: number) => {
    const row = TABLE[index]!;
    const started = await Case.start(world, placement, `${placement.client} ${index}`);
    expect(outcomeText(await row.run(started))).toBe(row.expected);
    expect(await started.finish()).toEqual([]);
  };
  const rows = TABLE.map(({ subject, when, expected }, i) => [subject, when, expected, i] as const);
  const calm = rows.filter(([, , , index]) => !TABLE[index]!.disturbs);

  describe.each([
    { creator: 1, client: 1 },
    { creator: 1, client: 3 },
  ])('created on node $creator, used on node $client', (placement) => {
    test.each(calm)(
      '%s: %s: %s',
      (_subject, _when, _expected, index) => check(placement, index),
      TEST_TIMEOUT_MS,
    );
  });

  describe('with nodes that go away and come back', () => {
    test.each(rows.filter(([, , , index]) => TABLE[index]!.disturbs))(
      '%s: %s: %s',
      (_subject, _when, _expected, index) => check({ creator: 1, client: 3 }, index),
      TEST_TIMEOUT_MS,
    );
  });
});
