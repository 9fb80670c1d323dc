/** A client that is killed in the middle of a vector write: nothing half-written is seen, nothing is left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CheckpointService } from '@aisexec/ckpt';
import { expect, test } from '@jest/globals';
import { aisctl, document } from './aisctl.fixture.ts';
import { eventually, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const CHILD = fileURLToPath(new URL('killed-writer.child.mjs', import.meta.url));
const NAME = 'vector';
const ELEMENTS = 8;
/** A vector is several messages: a kill comes between two of them as often as not. */
const ELEMENT_BYTES = 200_000;
const ROUNDS = 5;

const cluster = useCluster({ nodes: 3 });

const openersOf = async (index: number): Promise<number | undefined> => {
  const shown = document(
    await aisctl(['inspect', 'ckpt', '--format', 'json'], cluster.nodes[index]!.socket),
  );
  const { checkpoints } = shown['state'] as { checkpoints: { name: string; openers: number }[] };
  return checkpoints.find(({ name }) => name === NAME)?.openers;
};

test(
  'each element is of one round, later elements are never newer, and its open ends',
  async () => {
    await using service = await CheckpointService.connect({ socket: cluster.nodes[1]!.socket });
    const create = { maxSections: ELEMENTS, maxSectionBytes: ELEMENT_BYTES };
    const checkpoint = await service.open(NAME, { create });
    for (let index = 0; index < ELEMENTS; index++) {
      await checkpoint.section(`s${index}`).create(Buffer.alloc(ELEMENT_BYTES));
    }
    for (let attempt = 0; attempt < ROUNDS; attempt++) {
      const args = [CHILD, cluster.nodes[0]!.socket, NAME, String(ELEMENTS), String(ELEMENT_BYTES)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      let acknowledged = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line);
        // The next vector is on its way already.
        if (acknowledged === 2 + attempt) break;
      }
      child.kill('SIGKILL');
      await exited;
      await eventually(
        () => Promise.all([0, 1, 2].map(openersOf)),
        (openers) => openers.every((count) => count === 1),
        'the opens of the killed client',
      );
      const rounds: number[] = [];
      for (let index = 0; index < ELEMENTS; index++) {
        const data = Buffer.from(await checkpoint.section(`s${index}`).read());
        expect(data.length).toBe(ELEMENT_BYTES);
        expect(data.every((byte) => byte === data[0])).toBe(true);
        rounds.push(data[0]!);
      }
      expect(rounds).toEqual(rounds.toSorted((a, b) => b - a));
      expect(rounds.at(-1)).toBeGreaterThanOrEqual(acknowledged);
    }
  },
  TEST_TIMEOUT_MS,
);
