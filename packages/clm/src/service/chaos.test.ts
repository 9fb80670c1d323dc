/** Random faults, subscriptions, answers and administration: what must hold however they meet. */
import { SA_AIS_OK } from '@aisexec/ais';
import {
  createRandom,
  createTestCluster,
  type PendingReply,
  type Random,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { type ChangedEvent, SA_CLM_NODE_LEFT, type ViewReport } from '../protocol.ts';
import { clmService } from './index.ts';

const NODES = [1, 2, 3, 4, 5];
const STEPS = 60;
/** The last eight: a side whose nodes were all locked came back with the higher view number. */
const SEEDS = [
  ...Array.from({ length: 30 }, (_, i) => i + 1),
  178,
  277,
  279,
  335,
  385,
  405,
  516,
  558,
];

interface Subscriber {
  readonly client: TestClient;
  readonly admission: bigint;
  readonly mode: 'changes' | 'changes-only';
  /** The members as folded from all reports. */
  readonly members: Set<number>;
  view: bigint;
  evicted: boolean;
  asked: bigint;
}

class Storm {
  readonly c: TestCluster;
  readonly #random: Random;
  readonly #subscribers = new Set<Subscriber>();
  readonly #operations: { readonly node: number; readonly pending: PendingReply }[] = [];

  constructor(seed: number) {
    this.#random = createRandom(seed);
    const quorum =
      seed % 2 === 0
        ? ({ provider: 'none' } as const)
        : ({ provider: 'votequorum', expectedVotes: NODES.length } as const);
    this.c = createTestCluster({ nodes: NODES, services: [clmService], seed, quorum });
  }

  act(): void {
    const { c } = this;
    const node = this.#random.pick(NODES);
    const isAlive = c.nodes.includes(node);
    switch (this.#random.below(10)) {
      case 0:
        if (isAlive && c.nodes.length > 2) this.#crash(node, false);
        break;
      case 1:
        this.#crash(node, true);
        break;
      case 2: {
        const at = this.#random.below(NODES.length);
        c.split([NODES.slice(0, at), NODES.slice(at)], this.#random.below(2) === 0);
        break;
      }
      case 3:
        c.heal(this.#random.below(2) === 0);
        break;
      case 4:
        c.advance(this.#random.below(800));
        break;
      case 5:
      case 6:
        if (isAlive) this.#subscribe(node);
        break;
      case 7:
        this.#respond();
        break;
      default:
        if (isAlive) this.#administer(node);
    }
    this.#hear();
  }

  /** Everything works again, everybody is readmitted, nobody is asked any more. */
  settle(): void {
    const { c } = this;
    for (const node of NODES) if (!c.nodes.includes(node)) c.restart(node, false);
    c.heal();
    c.run();
    this.#hear();
    for (const { client, admission } of this.#subscribers) {
      const { mode, local } = { mode: 'changes', local: false };
      // Without steps: whoever waited for an answer gets none, and goes on.
      const request = { admission, mode, local, validate: false, start: false, subscription: 2 };
      client.post('track', request);
    }
    c.run();
    this.#hear();
    for (const node of NODES) {
      const request = { operation: 'unlock', nodeId: node, supervisionMs: 0 };
      c.client(1, 'clm').request('administer', request);
    }
    this.#hear();
  }

  check(): void {
    const { c } = this;
    expect(c.trace.filter(({ event }) => event === 'service-failed')).toEqual([]);
    expect(c.trace.filter(({ event }) => event === 'state-diverged')).toEqual([]);
    expect(c.hashes('clm')).toHaveLength(1);
    expect(c.host(1).inspect('clm')).toMatchObject({ operations: [] });
    const admission = c.client(1, 'clm').request('standing', {})?.['admission'];
    const current = c.client(1, 'clm').request('current', { admission, local: false });
    const view = current?.['view'] as ViewReport;
    const members = view.nodes.map(({ node }) => node.nodeId);
    expect(members).toEqual(NODES);
    for (const subscriber of this.#subscribers) {
      const { client, admission: ownAdmission } = subscriber;
      const standing = client.request('standing', { admission: ownAdmission });
      expect(standing?.rc === SA_AIS_OK).toBe(!subscriber.evicted);
      if (subscriber.evicted) continue;
      expect([...subscriber.members].sort()).toEqual(members);
      expect(subscriber.view).toBe(view.viewNumber);
    }
    for (const { pending } of this.#operations) expect(pending.reply).toBeDefined();
  }

  #crash(node: number, restart: boolean): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.client.ref.node === node) this.#subscribers.delete(subscriber);
    }
    const others = this.#operations.filter((operation) => operation.node !== node);
    this.#operations.splice(0, this.#operations.length, ...others);
    if (restart) this.c.restart(node, this.#random.below(2) === 0);
    else this.c.kill(node, this.#random.below(2) === 0);
  }

  #subscribe(node: number): void {
    const client = this.c.client(node, 'clm');
    const standing = client.request('standing', {});
    if (standing?.rc !== SA_AIS_OK) return;
    const admission = standing['admission'] as bigint;
    const mode = this.#random.below(2) === 0 ? 'changes' : 'changes-only';
    const [validate, start] = [this.#random.below(2) === 0, this.#random.below(2) === 0];
    const request = { admission, mode, local: false, validate, start, subscription: 1 } as const;
    const reply = client.request('track', request);
    if (reply?.rc !== SA_AIS_OK) return;
    const { viewNumber, nodes } = reply['view'] as ViewReport;
    const members = new Set(nodes.map((entry) => entry.node.nodeId));
    const subscriber = {
      client,
      admission,
      mode,
      members,
      view: viewNumber,
      evicted: false,
      asked: 0n,
    };
    this.#subscribers.add(subscriber as Subscriber);
  }

  #respond(): void {
    for (const subscriber of this.#subscribers) {
      const { client, admission, asked } = subscriber;
      if (asked === 0n || this.#random.below(3) === 0) continue;
      const response = this.#random.pick(['ok', 'rejected', 'error']);
      client.post('respond', { admission, invocation: asked, response });
      subscriber.asked = 0n;
    }
    this.c.run();
  }

  #administer(node: number): void {
    const request = {
      operation: this.#random.pick(['lock', 'lock', 'shutdown', 'unlock']),
      nodeId: this.#random.pick(NODES),
      supervisionMs: 500,
    };
    const pending = this.c.client(node, 'clm').post('administer', request);
    this.#operations.push({ node, pending });
    if (this.#random.below(2) === 0) this.c.run();
  }

  /** Folds what everybody was told; each view once, in order, nothing after an eviction. */
  #hear(): void {
    for (const subscriber of this.#subscribers) {
      for (const { payload } of subscriber.client.take('changed')) {
        const event = payload as ChangedEvent;
        expect(subscriber.evicted).toBe(false);
        if (event.invocation !== 0n) subscriber.asked = event.invocation;
        if (event.step !== 'completed') continue;
        expect(event.viewNumber).toBeGreaterThan(subscriber.view);
        subscriber.view = event.viewNumber;
        for (const { node, change } of event.nodes) {
          if (change === SA_CLM_NODE_LEFT) subscriber.members.delete(node.nodeId);
          else subscriber.members.add(node.nodeId);
        }
        subscriber.evicted = event.evicted;
      }
    }
  }
}

describe('under random faults and administration', () => {
  test.each(SEEDS)(
    'seed %i: replicas agree, every operation ends, and each subscriber’s picture is the current view',
    (seed) => {
      const storm = new Storm(seed);
      for (let step = 0; step < STEPS; step++) storm.act();
      storm.settle();
      storm.check();
    },
  );
});
