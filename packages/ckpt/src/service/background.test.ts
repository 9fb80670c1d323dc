/** Contents that follow in the background, on whole clusters: every content in a step of its own. */
import { SA_AIS_ERR_NOT_EXIST, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK, SA_TIME_END } from '@aisexec/ais';
import type { QuorumOptions } from '@aisexec/service';
import {
  createRandom,
  createTestCluster,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { createCkptService } from './index.ts';
import { ALL, attributes, bytes, text } from './replica.fixture.ts';

const services = [createCkptService({ inlineBytesMax: 0 })];
const handle = 1n;
const SECTIONS = 12;
const idOf = (index: number) => `s${index}`;
const contentOf = (index: number) => `content of ${index}`;

function cluster(
  nodes: readonly number[],
  seed: number,
  expectedVotes?: number,
  wants = 1,
): TestCluster {
  const background = { wantBytes: 1, wants };
  const quorum: QuorumOptions =
    expectedVotes === undefined ? { provider: 'none' } : { provider: 'votequorum', expectedVotes };
  return createTestCluster({ nodes, services, seed, background, quorum });
}

function opened(on: TestCluster, node: number): TestClient {
  const client = on.client(node, 'ckpt');
  const given = attributes({ maxSections: 100, retentionDuration: SA_TIME_END });
  client.post('open', { handle, name: 'c', openFlags: ALL, attributes: given });
  return client;
}

function put(client: TestClient, index: number, content: string): void {
  const section = { sectionId: idOf(index), expirationTime: SA_TIME_END };
  client.post('put', { handle, ...section, data: bytes(content) });
}

/** Changes two bytes in the middle. */
function patch(client: TestClient, index: number, content: string): void {
  const element = { sectionId: idOf(index), offset: 3, data: bytes(content), end: null };
  client.post('write', { handle, elements: [element] });
}

function read(client: TestClient, index: number): { rc: number; content: string | undefined } {
  const elements = [{ sectionId: idOf(index), offset: 0, size: null }];
  const reply = client.post('read', { handle, elements }).reply!;
  const data = reply['results']?.[0]?.data as Uint8Array | undefined;
  return { rc: reply.rc, content: data === undefined ? undefined : text(data) };
}

/** Nodes 2, 3 with contents; quorum counts when votes are expected. */
function filled(
  nodes: readonly number[] = [2, 3],
  seed = 1,
  expectedVotes?: number,
  wants?: number,
): TestCluster {
  const made = cluster(nodes, seed, expectedVotes, wants);
  const client = opened(made, nodes[0]!);
  for (let i = 0; i < SECTIONS; i++) put(client, i, contentOf(i));
  made.run();
  return made;
}

const eventsOf = (on: TestCluster, event: string) => on.trace.filter((one) => one.event === event);

function stepUntil(on: TestCluster, done: () => boolean): void {
  while (!done()) expect(on.step()).toBe(true);
}

const viewAt = (on: TestCluster, node: number, members: number) => () =>
  on.host(node).view?.members.length === members;

function expectHealthy(on: TestCluster): void {
  expect(on.hashes('ckpt')).toHaveLength(1);
  for (const node of on.nodes) expect(on.host(node).transfers()).toEqual([]);
  expect(eventsOf(on, 'service-failed')).toEqual([]);
  expect(eventsOf(on, 'state-diverged')).toEqual([]);
}

describe('a joining node', () => {
  test('is in the view at once, works, and reads when the content is there', () => {
    const made = filled();
    made.restart(1, false);
    stepUntil(made, viewAt(made, 1, 3));
    expect(made.host(1).transfers()).toMatchObject([
      { service: 'ckpt', piecesTotal: SECTIONS, piecesDone: 0, waiting: false },
    ]);
    const here = opened(made, 1);
    const there = opened(made, 3);
    put(there, 0, 'changed elsewhere');
    put(here, 1, 'changed here');
    stepUntil(made, () => read(here, 1).rc === SA_AIS_OK);
    expect(read(here, SECTIONS - 1)).toEqual({ rc: SA_AIS_ERR_TRY_AGAIN, content: undefined });
    made.run();
    expectHealthy(made);
    const contents = Array.from({ length: SECTIONS }, (_, i) => read(here, i).content);
    const expected = Array.from({ length: SECTIONS }, (_, i) => contentOf(i));
    expect(contents).toEqual(['changed elsewhere', 'changed here', ...expected.slice(2)]);
    expect(eventsOf(made, 'transfer-done')).toMatchObject([{ node: 1 }]);
  });

  test('gets first what a client of its own reads', () => {
    const made = filled();
    made.restart(1, false);
    stepUntil(made, viewAt(made, 1, 3));
    const here = opened(made, 1);
    stepUntil(made, () => read(here, SECTIONS - 1).rc === SA_AIS_OK);
    expect(made.host(1).transfers()[0]?.piecesDone).toBeLessThan(SECTIONS / 2);
    made.run();
    expectHealthy(made);
  });

  test('ends with the same bytes, whatever is written to what is on its way', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const made = filled([2, 3], seed, undefined, seed % 2 === 0 ? 4 : 1);
      const random = createRandom(seed);
      made.restart(1, false);
      stepUntil(made, viewAt(made, 1, 3));
      const clients = [1, 2, 3].map((node) => opened(made, node));
      for (let i = 0; made.host(1).transfers().length > 0 && i < 2000; i++) {
        const client = random.pick(clients);
        const index = random.below(SECTIONS);
        if (random.below(8) === 0) patch(client, index, String(10 + (i % 90)));
        else if (random.below(60) === 0) put(client, index, `whole ${i}`);
        else if (random.below(90) === 0) {
          client.post('sectionDelete', { handle, sectionId: idOf(index) });
        }
        made.step();
      }
      made.run();
      expectHealthy(made);
      expect(eventsOf(made, 'state-lost')).toEqual([]);
    }
  });

  test('that comes back fetches nothing but what was changed meanwhile', () => {
    const made = filled([1, 2, 3], 1, 3);
    made.split([[1], [2, 3]]);
    const there = opened(made, 3);
    put(there, 4, 'changed');
    there.post('sectionDelete', { handle, sectionId: idOf(7) });
    made.run();
    made.trace.length = 0;
    made.heal();
    expectHealthy(made);
    const [started] = eventsOf(made, 'transfer-start');
    expect(started).toMatchObject({ node: 1, detail: { pieces: 1 } });
    expect(eventsOf(made, 'transfer-start')).toHaveLength(1);
    const here = opened(made, 1);
    made.run();
    expect(read(here, 4).content).toBe('changed');
    expect(read(here, 7)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST, content: undefined });
  });
});

describe('a node that slept', () => {
  /** While node 1 stands still the others delete a section and make one; then it wakes up with them. */
  function slept(expectedVotes?: number): TestCluster {
    const made = filled([1, 2, 3], 1, expectedVotes);
    made.pause(1);
    const there = opened(made, 3);
    there.post('sectionDelete', { handle, sectionId: idOf(7) });
    put(there, 50, 'made meanwhile');
    made.run();
    expect(made.host(3).view?.members).toHaveLength(2);
    made.resume(1);
    expectHealthy(made);
    return made;
  }

  test.each([3, undefined])('brings nothing back, with votes of %s', (expectedVotes) => {
    const made = slept(expectedVotes);
    const here = opened(made, 1);
    made.run();
    expect(read(here, 7)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST, content: undefined });
    expect(read(here, 50).content).toBe('made meanwhile');
    expect(read(here, 1).content).toBe(contentOf(1));
  });

  test('through several rings of the others brings nothing back', () => {
    const made = filled([1, 2, 3, 4], 5);
    made.pause(1);
    made.restart(4);
    opened(made, 3).post('sectionDelete', { handle, sectionId: idOf(7) });
    made.run();
    made.kill(4);
    made.restart(2);
    made.resume(1);
    expectHealthy(made);
    const here = opened(made, 1);
    made.run();
    expect(read(here, 7)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST, content: undefined });
  });

  test('and then worked on alone adds what it made', () => {
    const made = filled([1, 2, 3]);
    made.pause(1, false);
    made.run();
    made.split([[1], [2, 3]]);
    made.resume(1);
    put(opened(made, 1), 60, 'made alone');
    made.run();
    made.heal();
    expectHealthy(made);
    const here = opened(made, 3);
    made.run();
    expect(read(here, 60).content).toBe('made alone');
  });
});

describe('after a merge', () => {
  test('each side fetches from the other what it lacks', () => {
    const made = filled([1, 2, 3, 4]);
    made.split([
      [1, 2],
      [3, 4],
    ]);
    put(opened(made, 1), 50, 'left');
    put(opened(made, 4), 60, 'right');
    made.run();
    made.heal();
    expectHealthy(made);
    const clients = [1, 2, 3, 4].map((node) => opened(made, node));
    made.run();
    for (const client of clients) {
      expect([read(client, 50).content, read(client, 60).content]).toEqual(['left', 'right']);
    }
  });
});

describe('a transfer cut short', () => {
  const faults: Record<string, (on: TestCluster) => void> = {
    'the joiner dies': (on) => on.kill(1, false),
    'the joiner starts again': (on) => on.restart(1, false),
    'the donor dies': (on) => on.kill(2, false),
    'the donor starts again': (on) => on.restart(2, false),
    'the joiner is cut off with the donor': (on) => on.split([[1, 2], [3]], false),
    'the joiner is alone': (on) => on.split([[1], [2, 3]], false),
    'another node joins': (on) => on.restart(4, false),
  };

  test.each(Object.keys(faults))('at any step, %s: nothing is lost', (name) => {
    let cuts = 0;
    for (let quiet = false; !quiet; cuts += 11) {
      const made = filled([2, 3], 1 + cuts);
      made.restart(1, false);
      for (let i = 0; i < cuts && !quiet; i++) {
        if (i % 40 === 0) patch(opened(made, 3), i % SECTIONS, String(10 + (i % 90)));
        quiet = !made.step();
      }
      faults[name]!(made);
      if (cuts % 2 === 0) made.run();
      made.heal();
      expectHealthy(made);
      // Without a quorum rule a node that is alone gives up what it lacks; the others bring it back.
      if (!name.includes('alone')) expect(eventsOf(made, 'state-lost')).toEqual([]);
      const client = opened(made, 3);
      made.run();
      for (let i = 0; i < SECTIONS; i++) {
        expect(read(client, i).content?.slice(5)).toBe(contentOf(i).slice(5));
      }
    }
    expect(cuts).toBeGreaterThan(100);
  });

  test('whose only donor is gone gives up what nobody has, on all nodes alike, and says so', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const made = filled([3], seed);
      made.restart(1, false);
      made.restart(2, false);
      stepUntil(made, () => (made.host(1).transfers()[0]?.piecesDone ?? 0) >= 1 + (seed % 8));
      made.kill(3);
      expectHealthy(made);
      const lost = eventsOf(made, 'state-lost');
      expect(lost.length).toBeGreaterThan(0);
      const client = opened(made, 1);
      made.run();
      const left = Array.from({ length: SECTIONS }, (_, i) => read(client, i).content);
      const found = left.filter((content) => content !== undefined);
      expect(found.length).toBeGreaterThan(0);
      expect(found.length).toBeLessThan(SECTIONS);
      for (const [i, content] of left.entries()) {
        if (content !== undefined) expect(content).toBe(contentOf(i));
      }
    }
  });

  test('without quorum waits for those who have it', () => {
    const made = filled([1, 2, 3], 1, 3);
    made.restart(1, false);
    stepUntil(made, viewAt(made, 1, 3));
    made.split([[1], [2, 3]]);
    expect(made.host(1).transfers()).toMatchObject([{ waiting: true }]);
    made.heal();
    expectHealthy(made);
    expect(eventsOf(made, 'state-lost')).toEqual([]);
  });
});

describe('under random faults', () => {
  test.each(Array.from({ length: 12 }, (_, i) => i + 1))('seed %d ends in one state', (seed) => {
    const nodes = [1, 2, 3, 4];
    const made = filled(nodes, seed, undefined, seed % 2 === 0 ? 4 : 1);
    const random = createRandom(seed);
    let clients = new Map<number, TestClient>();
    for (let i = 0; i < 150; i++) {
      const node = random.pick(nodes);
      const die = random.below(100);
      if (!made.nodes.includes(node) || die < 5) {
        made.restart(node, false);
        clients.delete(node);
      } else if (die < 8) made.kill(node, false);
      else if (die < 12) {
        const side = nodes.filter(() => random.below(2) === 0);
        made.split([side, nodes.filter((one) => !side.includes(one))], false);
      } else if (die < 24) made.heal(false);
      else {
        const client = clients.get(node) ?? opened(made, node);
        clients.set(node, client);
        const index = random.below(SECTIONS);
        if (die < 50) put(client, index, `put ${i}`);
        else patch(client, index, String(10 + (i % 90)));
      }
      for (let steps = random.below(40); steps > 0; steps--) made.step();
    }
    clients = new Map();
    for (const node of nodes) if (!made.nodes.includes(node)) made.restart(node);
    made.heal();
    expectHealthy(made);
  });
});
