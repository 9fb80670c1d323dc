/**
 * A grant is a promise (ADR 0190): whatever ends a view, and whoever was told first, no two who are told have one token,
 * who asks after a grant was told gets a higher one, and what was denied is not held. Nodes die and are cut off
 * between any two steps of the bus; three planted faults show that the test can see.
 */
import type { ExecContext, ServiceDefinition } from '@aisexec/service';
import {
  createRandom,
  createTestCluster,
  type PendingReply,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { expect, test } from '@jest/globals';
import { SA_LCK_LOCK_GRANTED } from '../protocol.ts';
import { EX } from './harness.fixture.ts';
import { type LckState, lckService } from './index.ts';
import type { LckInspection } from './inspect.ts';

type Service = ServiceDefinition<LckState>;

const NODES = [1, 2, 3];
const ROUNDS = 4;
/** Steps of the bus that bring a message to its end, and about as many as a view takes. */
const [MESSAGE_STEPS, VIEW_STEPS] = [20, 100];
const SEEDS = Number(process.env['AISEXEC_LOCK_SEEDS'] ?? 50);
const SEEDS_MS_MAX = 120_000;

interface Attempt {
  readonly client: TestClient;
  readonly node: number;
  readonly asked: number;
  readonly reply: PendingReply;
  told?: { readonly at: number; readonly token: bigint };
}

/** What broke a promise in one run; nothing, as a rule. */
function play(seed: number, service: Service): string[] {
  const random = createRandom(seed);
  const quorum = { provider: 'votequorum', expectedVotes: NODES.length } as const;
  const cluster = createTestCluster({ nodes: NODES, services: [service], seed, quorum });
  const attempts: Attempt[] = [];
  let at = 0;

  /** @returns the node whose client was told a grant just now. */
  const look = (): number | undefined => {
    let teller: number | undefined;
    for (const attempt of attempts) {
      const { reply } = attempt.reply;
      if (attempt.told !== undefined || reply?.['lockStatus'] !== SA_LCK_LOCK_GRANTED) continue;
      at += 1;
      attempt.told = { at, token: reply['fencingToken'] };
      teller = attempt.node;
    }
    return teller;
  };
  /** @returns the node that told a grant, which ends the steps. */
  const steps = (max: number): number | undefined => {
    for (let left = random.below(max); left > 0 && cluster.step(); left--) {
      const teller = look();
      if (teller !== undefined) return teller;
    }
    return undefined;
  };
  const ask = (node: number): TestClient => {
    const client = cluster.client(node, 'lck');
    client.post('open', { handle: 1n, name: 'r', create: true, notify: false });
    const request = { handle: 1n, lockId: 1n, mode: EX, flags: 0, waiterSignal: 0n, detect: false };
    at += 1;
    const reply = client.post('lock', request);
    attempts.push({ client, node, asked: at, reply });
    return client;
  };
  /** Each of those who wait is granted in turn, and gives back. */
  const settle = (): void => {
    for (const _ of NODES) {
      cluster.run();
      look();
      for (const { client, told } of attempts) {
        if (told !== undefined) client.post('unlock', { lockId: 1n });
      }
    }
    cluster.run();
  };

  for (let round = 0; round < ROUNDS; round++) {
    // In every other round they wait, and somebody's end lets one of them in.
    const holder = round % 2 === 0 ? undefined : ask(random.pick(NODES));
    cluster.run();
    look();
    for (const node of NODES) ask(node);
    if (random.below(2) === 0) holder?.close();
    else holder?.post('unlock', { lockId: 1n });
    disturb(cluster, random, steps(MESSAGE_STEPS) ?? random.pick(NODES));
    if (random.below(2) === 0) disturb(cluster, random, steps(VIEW_STEPS) ?? random.pick(NODES));
    steps(VIEW_STEPS);
    repair(cluster);
    settle();
  }
  return [...problemsOf(attempts), ...leftovers(cluster)];
}

type Random = ReturnType<typeof createRandom>;

/** A node dies, or is cut off. */
function disturb(cluster: TestCluster, random: Random, node: number): void {
  if (!cluster.nodes.includes(node)) return;
  if (random.below(2) === 0) cluster.kill(node, false);
  else cluster.split([[node], NODES.filter((other) => other !== node)], false);
}

function repair(cluster: TestCluster): void {
  cluster.heal(false);
  for (const node of NODES) if (!cluster.nodes.includes(node)) cluster.restart(node, false);
}

function problemsOf(attempts: readonly Attempt[]): string[] {
  const problems: string[] = [];
  const told = attempts.flatMap(({ asked, told }) =>
    told === undefined ? [] : [{ asked, ...told }],
  );
  told.sort((a, b) => a.at - b.at);
  told.forEach(({ asked, token }, index) => {
    for (const before of told.slice(0, index)) {
      if (before.token === token) problems.push(`token ${token} was told twice`);
      if (before.at < asked && before.token > token) problems.push(`token ${token} fell`);
    }
  });
  return problems;
}

function leftovers(cluster: TestCluster): string[] {
  const { resources } = cluster.host(NODES[0]!).inspect('lck') as LckInspection;
  return resources.flatMap(({ granted, waiting }) => [
    ...granted.map(({ node }) => `a client of node ${node} still holds`),
    ...waiting.map(({ node }) => `a client of node ${node} still waits`),
  ]);
}

/** Handlers see a context in which `replyWhenCertain` is another. */
function withPromise(promise: (ctx: ExecContext) => ExecContext['replyWhenCertain']): Service {
  const lie = (ctx: ExecContext): ExecContext => ({
    ...{
      view: ctx.view,
      order: ctx.order,
      time: ctx.time,
      steady: ctx.steady,
      version: ctx.version,
    },
    reply: (...args) => ctx.reply(...args),
    callback: (...args) => ctx.callback(...args),
    replyWhenCertain: promise(ctx),
  });
  const { exec, confchg, clientGone } = lckService;
  const handlers = Object.entries(exec).map(([name, handler]) => {
    const apply: typeof handler.apply = (state, message, source, ctx) =>
      handler.apply(state, message, source, lie(ctx));
    return [name, { ...handler, apply }];
  });
  return {
    ...lckService,
    exec: Object.fromEntries(handlers),
    confchg: (state, view, ctx) => confchg?.(state, view, lie(ctx)),
    clientGone: (state, client, ctx) => clientGone?.(state, client, lie(ctx)),
  };
}

function orderedAgreed(): Service {
  const lib = Object.entries(lckService.lib).map(([name, handler]) => {
    const handle: typeof handler.handle = (state, request, ctx) => {
      const multicast: typeof ctx.multicast = (exec, message) => ctx.multicast(exec, message);
      return handler.handle(state, request, Object.assign(Object.create(ctx), { multicast }));
    };
    return [name, { ...handler, handle }];
  });
  return { ...lckService, lib: Object.fromEntries(lib) };
}

/** Each with a seed that shows it (ADR 0144). */
const FAULTS: readonly (readonly [name: string, seed: number, service: Service])[] = [
  ['requests are ordered agreed', 123, orderedAgreed()],
  [
    'what is in doubt is told',
    9,
    withPromise((ctx) => (source, reply) => ctx.reply(source, reply)),
  ],
  [
    'what is denied is not taken back',
    4,
    withPromise(
      (ctx) => (source, reply, doubtful) => ctx.replyWhenCertain(source, reply, doubtful),
    ),
  ],
];

test(
  `grants are told once and to the right ones, and nothing is left behind, over ${SEEDS} seeds`,
  () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      expect({ seed, problems: play(seed, lckService) }).toEqual({ seed, problems: [] });
    }
  },
  SEEDS_MS_MAX,
);

test.each(FAULTS)('a planted fault is seen: %s, seed %i', (_name, seed, service) => {
  expect(play(seed, service)).not.toEqual([]);
});
