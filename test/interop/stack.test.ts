import { afterEach, describe, expect, test } from '@jest/globals';
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

  test(
    'three form one quorate view, and serve locks',
    async () => {
      const { nodes } = await start();
      const status = await nodes[0]!.status();
      expect(status).toMatchObject({
        engine: 'corosync',
        quorum: { provider: 'corosync', quorate: true, votes: 3, needed: 2 },
      });
    },
    TIMEOUT_MS,
  );
});
