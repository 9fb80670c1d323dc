/**
 * The hostile clients of test/chaos/attacks.mjs, each until a well-behaved client of the same executive has done
 * its work: without an error, in the same membership, and the executive is there afterwards. How long it took is
 * measured by test/chaos/hostile.mjs, on a quiet machine.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

const HOSTILE = fileURLToPath(new URL('../chaos/hostile.mjs', import.meta.url));
const TURNS = 20;
const SETTLE_MS_MAX = 60_000;
const { ATTACKS } = (await import('../chaos/attacks.mjs' as string)) as { ATTACKS: object };

let cluster: LocalCluster;
let views = 0;
let attacker: ChildProcess | undefined;

beforeAll(async () => {
  cluster = await LocalCluster.start({
    nodes: 2,
    // So long that a busy machine is never taken for a dead node.
    totem: { token: 20_000, token_coefficient: 0 },
    onLog: (_node, line) => {
      if (line.includes('"event":"view"')) views++;
    },
  });
});
afterAll(async () => {
  attacker?.kill('SIGKILL');
  await cluster?.stop();
});

test.each(Object.keys(ATTACKS))('%s: others are served all the same', async (name) => {
  const [node] = cluster.nodes;
  const { pid, socket } = node!;
  const before = views;
  attacker = fork(HOSTILE, ['--attack', name, '--socket', socket]);
  const begun = once(attacker, 'spawn');
  const locks = await LockService.connect({ socket, timeoutMs: SETTLE_MS_MAX });
  const resource = await locks.open('well-behaved', { create: true, timeoutMs: SETTLE_MS_MAX });
  await begun;
  for (let i = 0; i < TURNS; i++) {
    const lock = await resource.acquire('EX', { timeoutMs: SETTLE_MS_MAX });
    await lock.unlock({ timeoutMs: SETTLE_MS_MAX });
  }
  const ended = once(attacker, 'message');
  attacker.send('stop');
  await ended;
  await locks.close();
  expect(node!.pid).toBe(pid);
  expect(node!.condition).toBe('up');
  expect(views).toBe(before);
});
