import { EventService } from '@aisexec/evt';
import { LocalCluster, type LocalNode } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { afterEach, describe, expect, test } from '@jest/globals';
import { aisctl } from './aisctl.fixture.ts';
import { eventually, TEST_TIMEOUT_MS } from './support.fixture.ts';

let cluster: LocalCluster | undefined;
afterEach(async () => {
  cluster?.killAll();
  await cluster?.stop();
  cluster = undefined;
}, TEST_TIMEOUT_MS);

async function lonely(): Promise<{ readonly node: LocalNode; readonly log: string[] }> {
  const log: string[] = [];
  cluster = await LocalCluster.start({ nodes: 1, onLog: (_, line) => log.push(line) });
  return { node: cluster.nodes[0]!, log };
}

const says = (log: readonly string[], text: string) =>
  eventually(
    () => log.some((line) => line.includes(text)),
    (is) => is,
    `${text} in the log`,
  );

describe('an executive that is asked to leave', () => {
  test(
    'names who objects and stays, and leaves when nobody does',
    async () => {
      const { node } = await lonely();
      let mind: string | undefined = 'still writing';
      const asked: number[] = [];
      const events = await EventService.connect({
        socket: node.socket,
        onShutdown: ({ withinMs }) => {
          asked.push(withinMs);
          return mind;
        },
      });
      const refused = await aisctl(['shutdown'], node.socket);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain(`stays: process ${process.pid} (evt): still writing`);
      expect(refused.stderr).toContain('--force');
      expect((await events.limits()).patterns).toBeGreaterThan(0);
      mind = undefined;
      expect((await aisctl(['shutdown'], node.socket)).status).toBe(0);
      expect(asked).toEqual([5_000, 5_000]);
      await node.exited();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'by force asks nobody',
    async () => {
      const { node } = await lonely();
      const asked: unknown[] = [];
      const onShutdown = (request: unknown) => asked.push(request) && 'no';
      const locks = await LockService.connect({ socket: node.socket, onShutdown });
      const held = await (await locks.open('x', { create: true })).acquire('EX');
      expect((await aisctl(['shutdown', '--force'], node.socket)).status).toBe(0);
      await node.exited();
      await eventually(
        () => held.lost,
        (lost) => lost === 'session-lost',
        'the lock of an executive that left',
      );
      expect(asked).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'by SIGTERM waits for who objects, and by a second one leaves in good order all the same',
    async () => {
      const { node, log } = await lonely();
      await EventService.connect({ socket: node.socket, onShutdown: () => 'not yet' });
      const pid = node.pid as number;
      process.kill(pid, 'SIGTERM');
      await says(log, '"event":"leave-vetoed"');
      expect(log.some((line) => line.includes(`evt, client ${process.pid}: not yet`))).toBe(true);
      expect(node.condition).toBe('up');
      process.kill(pid, 'SIGTERM');
      await node.exited();
      await says(log, '"event":"stopped"');
      expect(log.find((line) => line.includes('"event":"stopped"'))).toContain('"exit":0');
    },
    TEST_TIMEOUT_MS,
  );
});
