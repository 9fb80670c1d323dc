import { createMemoryBus, type MemoryBus } from '@aisexec/service/testing';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RELOAD_MS_MAX } from '../limits.ts';
import { type Agreement, createAgreement, type Prepared, type ReloadResult } from './agreement.ts';
import { RELOAD_GROUP } from './messages.ts';

/** One node: what its file says is `next`; `refused` is why it cannot take it. */
interface Node {
  readonly agreement: Agreement;
  value: string;
  next: string;
  refused: readonly string[];
  /** Set: it does not get ready before this is called. */
  release: (() => void) | undefined;
  isHeld: boolean;
  prepared: number;
  settled: number;
  readonly ended: ReloadResult[];
}

let bus: MemoryBus;
let nodes: Node[];

function start(id: number): Node {
  const messaging = bus.start(id);
  messaging.join('sync-ends', {
    deliver() {},
    configuration({ type, ringId }) {
      if (type === 'regular') messaging.syncComplete(ringId);
    },
  });
  const node: Node = {
    ...{ value: 'old', next: 'new', refused: [], release: undefined, isHeld: false },
    ...{ prepared: 0, settled: 0, ended: [] },
    agreement: createAgreement({
      messaging,
      voters: () => [1, 2, 3],
      trace: () => {},
      ended: (result) => node.ended.push(result),
      async prepare(): Promise<Prepared> {
        node.prepared++;
        if (node.isHeld) {
          await new Promise<void>((resolve) => {
            node.release = resolve;
          });
        }
        const { next, refused } = node;
        return {
          ...{ changed: [`value: ${node.value} -> ${next}`], refused },
          commit() {
            node.settled++;
            node.value = next;
          },
          drop() {
            node.settled++;
          },
        };
      },
    }),
  };
  return node;
}

/** Moves the bus and lets promises run until nothing is under way. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    while (bus.step());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const values = () => nodes.map(({ value }) => value);

beforeEach(async () => {
  bus = createMemoryBus({ seed: 1 });
  nodes = [1, 2, 3].map(start);
  await settle();
});
afterEach(() => {
  for (const { agreement } of nodes) agreement.stop();
});

async function reload(index: number, dry = false): Promise<ReloadResult> {
  const result = nodes[index]!.agreement.reload(dry);
  await settle();
  return result;
}

describe('a reload of all nodes', () => {
  test('is applied by all when all can, and told with what changed where', async () => {
    nodes[2]!.next = 'newer';
    const result = await reload(1);
    expect(result).toMatchObject({ outcome: 'applied', reasons: [] });
    expect(result.nodes.map(({ node, changed }) => [node, ...changed])).toEqual([
      [1, 'value: old -> new'],
      [2, 'value: old -> new'],
      [3, 'value: old -> newer'],
    ]);
    expect(values()).toEqual(['new', 'new', 'newer']);
    expect(nodes.map(({ ended }) => ended.length)).toEqual([1, 1, 1]);
  });

  test('changes nothing anywhere when one node refuses, and says which and why', async () => {
    nodes[2]!.refused = ['cluster.name: restart this node'];
    const result = await reload(0);
    expect(result.outcome).toBe('refused');
    expect(result.reasons).toEqual(['node 3: cluster.name: restart this node']);
    expect(values()).toEqual(['old', 'old', 'old']);
    nodes[2]!.refused = [];
    expect((await reload(0)).outcome).toBe('applied');
  });

  test('that is dry tells the same and changes nothing', async () => {
    const result = await reload(0, true);
    expect(result.outcome).toBe('dry');
    expect(result.nodes).toHaveLength(3);
    expect(values()).toEqual(['old', 'old', 'old']);
    expect(nodes.map(({ ended }) => ended.length)).toEqual([0, 0, 0]);
  });

  test('is one at a time: a second asker is told who is at it', async () => {
    nodes[1]!.isHeld = true;
    const first = nodes[0]!.agreement.reload(false);
    await settle();
    const second = await reload(2);
    expect(second.reasons).toEqual(['node 1 is reloading: again in a moment']);
    expect((await reload(0)).reasons).toEqual(['this node is reloading: again in a moment']);
    nodes[1]!.release?.();
    await settle();
    expect((await first).outcome).toBe('applied');
    expect(values()).toEqual(['new', 'new', 'new']);
  });

  test('is over for all when a node is lost meanwhile', async () => {
    nodes[2]!.isHeld = true;
    const result = nodes[0]!.agreement.reload(false);
    await settle();
    bus.kill(3);
    await settle();
    expect((await result).reasons).toEqual(['the membership changed meanwhile: again']);
    expect(values()).toEqual(['old', 'old', 'old']);
    // What was prepared too late is dropped, too.
    nodes[2]!.release?.();
    await settle();
    for (const { prepared, settled } of nodes.slice(0, 2)) expect(settled).toBe(prepared);
  });

  test('waits for a node that does not answer for a bounded time, then names it', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    try {
      nodes[1]!.isHeld = true;
      const result = nodes[0]!.agreement.reload(false);
      await settle();
      jest.advanceTimersByTime(RELOAD_MS_MAX);
      await settle();
      expect((await result).reasons).toEqual([`no answer from node 2 in ${RELOAD_MS_MAX} ms`]);
      nodes[1]!.release?.();
      await settle();
      expect(values()).toEqual(['old', 'old', 'old']);
      for (const { prepared, settled } of nodes) expect(settled).toBe(prepared);
    } finally {
      jest.useRealTimers();
    }
  });

  test('passes over what is no message of it', async () => {
    const inject = (node: number, text: string) =>
      bus.inject(node, RELOAD_GROUP, new TextEncoder().encode(text));
    bus.start(9);
    await settle();
    for (const text of ['', '{', '{"type":"answer"}', '{"type":"ask","reload":-1,"dry":1}']) {
      inject(2, text);
    }
    nodes[1]!.isHeld = true;
    const result = nodes[0]!.agreement.reload(false);
    await settle();
    // No voter: its answer does not count. Nor does one to another reload.
    const answer = { type: 'answer', asker: 1, reload: 1, changed: [], refused: ['no'] };
    inject(9, JSON.stringify(answer));
    inject(2, JSON.stringify({ ...answer, reload: 7 }));
    inject(2, JSON.stringify({ type: 'give-up', reload: 1 }));
    await settle();
    nodes[1]!.release?.();
    await settle();
    expect((await result).outcome).toBe('applied');
  });
});
