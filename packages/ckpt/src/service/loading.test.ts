/** A node that loads the service while the cluster runs: it is handed the state, and contents follow in the background. */
import { SA_AIS_OK, SA_TIME_END } from '@aisexec/ais';
import {
  counterService,
  createTestCluster,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { createCkptService } from './index.ts';
import { ALL, attributes, bytes, text } from './replica.fixture.ts';

const ckpt = createCkptService({ inlineBytesMax: 0 });
const handle = 1n;
const SECTIONS = 12;

function clusterOf(nodes: number): TestCluster {
  const background = { wantBytes: 1, wants: 1 };
  return createTestCluster({ nodes, services: [counterService], seed: 5, background });
}

function opened(on: TestCluster, node: number): TestClient {
  const client = on.client(node, 'ckpt');
  const given = attributes({ maxSections: 100, retentionDuration: SA_TIME_END });
  client.post('open', { handle, name: 'c', openFlags: ALL, attributes: given });
  return client;
}

function put(client: TestClient, index: number, content: string): void {
  const section = { sectionId: `s${index}`, expirationTime: SA_TIME_END };
  client.post('put', { handle, ...section, data: bytes(content) });
}

function read(client: TestClient, index: number): string | undefined {
  const elements = [{ sectionId: `s${index}`, offset: 0, size: null }];
  const reply = client.post('read', { handle, elements }).reply!;
  const data = reply['results']?.[0]?.data as Uint8Array | undefined;
  return reply.rc === SA_AIS_OK && data !== undefined ? text(data) : undefined;
}

/** The service with contents on these nodes, and on no other one. */
function filled(on: TestCluster, nodes: readonly number[]): void {
  for (const node of nodes) expect(on.host(node).load(ckpt)).toBeUndefined();
  on.run();
  const client = opened(on, nodes[0]!);
  for (let i = 0; i < SECTIONS; i++) put(client, i, `content of ${i}`);
  on.run();
}

const isRunning = (on: TestCluster, node: number) =>
  on.host(node).services.some(({ name, state }) => name === 'ckpt' && state === 'running');

function stepUntil(on: TestCluster, done: () => boolean): void {
  while (!done()) expect(on.step()).toBe(true);
}

function expectHealthy(on: TestCluster, nodes: readonly number[]): void {
  const hashes = new Set(nodes.map((node) => on.host(node).stateHash('ckpt')));
  expect([...hashes]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  for (const node of nodes) expect(on.host(node).transfers()).toEqual([]);
  const isWrong = ({ event }: { readonly event: string }) =>
    event === 'service-failed' || event === 'state-diverged';
  expect(on.trace.filter(isWrong)).toEqual([]);
}

describe('a node that loads the service while the cluster runs', () => {
  test('fetches after the handover what was left out of it, and is byte for byte equal then', () => {
    const on = clusterOf(3);
    filled(on, [2, 3]);
    on.host(1).load(ckpt);
    stepUntil(on, () => isRunning(on, 1));
    expect(on.host(1).transfers()).toMatchObject([
      { service: 'ckpt', piecesTotal: SECTIONS, piecesDone: 0, waiting: false },
    ]);
    expect(on.host(1).stateHash('ckpt')).not.toBe(on.host(2).stateHash('ckpt'));
    const here = opened(on, 1);
    put(here, 0, 'changed while on its way');
    on.run();
    expectHealthy(on, [1, 2, 3]);
    expect(read(here, 0)).toBe('changed while on its way');
    expect(read(here, SECTIONS - 1)).toBe(`content of ${SECTIONS - 1}`);
  });

  test('passes by who does not run the service, even when its sender lacks the contents itself', () => {
    const on = clusterOf(4);
    filled(on, [3]);
    on.host(1).load(ckpt);
    stepUntil(on, () => isRunning(on, 1));
    // Node 1 is the lowest holder now, and sends what it has: no contents. Node 2 never runs the service.
    on.host(4).load(ckpt);
    stepUntil(on, () => isRunning(on, 4));
    expect(on.host(4).transfers()).toHaveLength(1);
    on.run();
    expectHealthy(on, [1, 3, 4]);
  });

  test('asks the next holder when the one that it asked unloads, whenever that happens', () => {
    for (let steps = 0; steps < 60; steps += 2) {
      const on = clusterOf(3);
      filled(on, [2, 3]);
      on.host(1).load(ckpt);
      stepUntil(on, () => isRunning(on, 1));
      for (let i = 0; i < steps; i++) on.step();
      on.host(2).unload('ckpt');
      on.run();
      expectHealthy(on, [1, 3]);
    }
  });
});
