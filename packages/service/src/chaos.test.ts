import { describe, expect, test } from '@jest/globals';
import {
  counterService,
  createRandom,
  createTestCluster,
  type TestClient,
  type TestCluster,
} from './testing/index.ts';

const NODES = [1, 2, 3, 4, 5];

/** Random requests, faults and time, one step after the other, then healed and quiet. */
class Chaos {
  readonly cluster: TestCluster;
  readonly #random;
  readonly #clients: { readonly node: number; readonly client: TestClient }[] = [];

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.cluster = createTestCluster({
      nodes: NODES,
      services: [counterService],
      seed,
      queueMax: 1 + this.#random.below(8),
      quorum: { provider: 'votequorum', expectedVotes: 5 },
    });
    for (let i = 0; i < 150; i++) {
      this.#act();
      for (let steps = this.#random.below(12); steps > 0; steps--) this.cluster.step();
    }
    for (const node of NODES) if (!this.cluster.nodes.includes(node)) this.cluster.restart(node);
    this.cluster.heal();
  }

  #act(): void {
    const { cluster } = this;
    const node = this.#random.pick(NODES);
    const isAlive = cluster.nodes.includes(node);
    const dice = this.#random.below(100);
    if (!isAlive) cluster.restart(node, false);
    else if (dice < 3) cluster.kill(node, false);
    else if (dice < 6) cluster.restart(node, false);
    else if (dice < 10) cluster.split(this.#sides(), false);
    else if (dice < 20) cluster.heal(false);
    else if (dice < 25) cluster.advance(this.#random.below(2000), false);
    else if (dice < 30) this.#close();
    else this.#request(node);
  }

  #sides(): number[][] {
    const sides: number[][] = [[], [], []];
    for (const node of NODES) this.#random.pick(sides).push(node);
    return sides;
  }

  #close(): void {
    if (this.#clients.length === 0) return;
    const [gone] = this.#clients.splice(this.#random.below(this.#clients.length), 1);
    gone?.client.close();
  }

  #request(node: number): void {
    let known = this.#clients.find((one) => one.node === node);
    if (known === undefined || this.#random.below(3) === 0) {
      known = { node, client: this.cluster.client(node, 'counter') };
      this.#clients.push(known);
    }
    const name = this.#random.pick(['a', 'b', 'c']);
    const forNs = this.#random.pick([undefined, 1_000_000_000n]);
    if (this.#random.below(2) === 0) known.client.post('add', { name, amount: 1 });
    else known.client.post('watch', forNs === undefined ? { name } : { name, forNs });
  }

  closeAll(): void {
    for (const { client } of this.#clients) client.close();
    this.cluster.run();
  }
}

describe('under random faults', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))('seed %d ends in one state', (seed) => {
    const chaos = new Chaos(seed);
    const { cluster } = chaos;
    expect(cluster.hashes('counter')).toHaveLength(1);
    const events = new Set(cluster.trace.map(({ event }) => event));
    expect([events.has('service-failed'), events.has('state-diverged')]).toEqual([false, false]);
    const views = NODES.map((node) => cluster.host(node).view);
    for (const view of views) {
      expect(view?.ringId).toEqual(views[0]?.ringId);
      expect(view?.quorate).toBe(true);
    }
    // Whoever is still in the state is connected: once all have closed, nobody is left.
    chaos.closeAll();
    const counters = cluster.host(1).inspect('counter') as { watchers: number }[];
    expect(counters.map(({ watchers }) => watchers)).toEqual(counters.map(() => 0));
    expect(cluster.host(1).stats()).toMatchObject({ messagesInSync: 0, outbox: 0 });
  });
});

test('the quorate views of a run follow each other with rising rings and a common member', () => {
  for (let seed = 100; seed < 115; seed++) {
    const { cluster } = new Chaos(seed);
    const views = cluster.trace
      .filter(({ event, detail }) => event === 'view' && detail?.['quorate'] === true)
      .map(({ detail }) => detail as { ringId: { rep: number; seq: number }; members: number[] })
      .sort((a, b) => a.ringId.seq - b.ringId.seq);
    for (const [i, view] of views.entries()) {
      const before = views[i - 1];
      if (before === undefined) continue;
      if (before.ringId.seq === view.ringId.seq) expect(before.ringId).toEqual(view.ringId);
      expect(view.members.some((node) => before.members.includes(node))).toBe(true);
    }
  }
});
