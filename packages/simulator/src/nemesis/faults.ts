/** The faults, one function each: apply now, heal after `durationMs`. */
import type { SimNode } from '../world/node.ts';
import type { FaultContext } from './context.ts';
import type { FaultKind } from './mix.ts';
import { repairAndStart } from './repair.ts';

type Fault = (context: FaultContext) => void;
type Link = readonly [from: number, to: number];

const PACKET_NAMES = ['token', 'multicast', 'merge-detect', 'join', 'commit-token', 'hold-cancel'];

/** Every fault of the mix by name. */
export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  partition(context) {
    const side = context.world.nodes.map(() => context.random.chance(0.5));
    const links = allLinks(context).filter(([from, to]) => side[from] !== side[to]);
    const members = ids(context.world.nodes.filter((_, index) => side[index]));
    cut(context, 'partition', { side: members }, links);
  },
  'one-way'(context) {
    const side = context.world.nodes.map(() => context.random.chance(0.5));
    const links = allLinks(context).filter(
      ([from, to]) => side[from] === true && side[to] !== true,
    );
    const members = ids(context.world.nodes.filter((_, index) => side[index]));
    cut(context, 'one-way', { mute: members }, links);
  },
  isolate(context) {
    const index = context.random.below(context.world.nodes.length);
    const how = context.random.pick(['deaf', 'mute', 'deaf and mute']);
    const links = allLinks(context).filter(
      ([from, to]) => (from === index && how !== 'deaf') || (to === index && how !== 'mute'),
    );
    cut(context, 'isolate', { node: context.world.nodes[index]!.id, how }, links);
  },
  /** Not everybody who hears one hears the other: a bridge, a chain, overlapping groups. */
  'partial-partition'(context) {
    const { world, random } = context;
    const count = world.nodes.length;
    const shape = random.pick(Object.keys(SHAPES) as (keyof typeof SHAPES)[]);
    const turn = random.below(count);
    const place = (index: number): number => (index + turn) % count;
    const links = allLinks(context).filter(
      ([from, to]) => !SHAPES[shape](place(from), place(to), count),
    );
    cut(context, 'partial-partition', { shape, first: world.nodes[turn]!.id }, links);
  },
  /** A link or all links of a node swallow whatever is larger than a few hundred bytes. */
  'black-hole'(context) {
    const { world, random, later, durationMs, networks } = context;
    const [from, to] = randomLink(context);
    const whole = random.chance(0.5);
    const bytes = random.pick([100, 300, 600, 1300]);
    const links = allLinks(context).filter((link) => link[0] === from && (whole || link[1] === to));
    world.fault('black-hole', {
      from: idOf(context, from),
      bytes,
      links: links.length,
      durationMs,
    });
    const limit = (max: number): void => {
      for (const network of networks) {
        for (const link of links) network.limit(link[0], link[1], max);
      }
    };
    limit(bytes);
    later(durationMs, () => limit(Number.POSITIVE_INFINITY));
  },
  /** 2 to 50 times as long for every packet. */
  slow(context) {
    const node = randomUp(context);
    if (node === undefined) return;
    const factor = context.random.magnitude(SLOW_FACTOR_MIN, SLOW_FACTOR_MAX);
    context.world.fault('slow', { node: node.id, factor, durationMs: context.durationMs });
    node.slow(PACKET_MS * factor);
    context.later(context.durationMs, () => node.slow(0));
  },
  flapping(context) {
    const [from, to] = randomLink(context);
    const { world, random, later, networks } = context;
    const until = world.now + context.durationMs;
    const periodMs = random.magnitude(5, 500);
    world.fault('flapping', { from: idOf(context, from), to: idOf(context, to), periodMs });
    const flip = (open: boolean): void => {
      for (const network of networks) network.block(from, to, !open);
      if (!open || world.now < until) later(random.exponential(periodMs), () => flip(!open));
    };
    flip(false);
  },
  /** Links clog one after the other and open in another order (FoundationDB's swizzle-clogging). */
  swizzle(context) {
    const { world, random, later, durationMs, networks } = context;
    const links = allLinks(context).filter(() => random.chance(0.5));
    world.fault('swizzle', { links: links.length, durationMs });
    for (const [from, to] of links) {
      later(random.between(0, durationMs / 2), () => {
        const until = world.now + random.between(0, durationMs / 2);
        for (const network of networks) network.clog(from, to, until);
        later(until - world.now, () => {
          for (const network of networks) network.clog(from, to, 0);
        });
      });
    }
  },
  'type-loss'(context) {
    const { world, random, later, durationMs, networks } = context;
    const type = random.below(PACKET_NAMES.length);
    const probability = random.pick([0.3, 0.7, 1]);
    world.fault('type-loss', { type: PACKET_NAMES[type]!, probability, durationMs });
    for (const network of networks) network.loseType(type, probability);
    later(durationMs, () => {
      for (const network of networks) network.loseType(type, 0);
    });
  },
  'loss-burst'(context) {
    const { world, random, later, durationMs, networks } = context;
    const loss = random.between(0.3, 0.9);
    world.fault('loss-burst', { loss, durationMs });
    for (const network of networks) network.conditions = { ...context.conditions, loss };
    later(durationMs, () => {
      for (const network of networks) network.conditions = context.conditions;
    });
  },
  pause(context) {
    const node = randomUp(context);
    if (node !== undefined && !node.paused) pauseFor(context, node, context.durationMs);
  },
  crash(context) {
    const node = randomUp(context);
    if (node === undefined) return;
    context.world.fault('crash', { node: node.id, durationMs: context.durationMs });
    node.crash();
    restartLater(context, node);
  },
  /** The next ring sequence does not reach the disk: the node dies in the write. */
  'store-crash'(context) {
    const node = randomUp(context);
    if (node === undefined) return;
    context.world.fault('store-crash', { node: node.id });
    node.crashInStore('lost');
    restartLater(context, node);
  },
  /** The write reaches the disk and the process dies before it can say so. */
  'store-kept'(context) {
    const node = randomUp(context);
    if (node === undefined) return;
    context.world.fault('store-kept', { node: node.id });
    node.crashInStore('kept');
    restartLater(context, node);
  },
  /** The node dies and its disk is empty afterwards: it refuses to start until the operator has put a sequence back. */
  'lost-store'(context) {
    const node = randomUp(context);
    if (node === undefined) return;
    context.world.fault('lost-store', { node: node.id, durationMs: context.durationMs });
    node.crash();
    node.loseStore();
    node.start();
    context.later(context.durationMs, () => repairAndStart(context.world, node));
  },
  leave(context) {
    const node = randomUp(context);
    if (node === undefined || node.paused) return;
    context.world.fault('leave', { node: node.id, durationMs: context.durationMs });
    node.leave();
    restartLater(context, node);
  },
  'power-failure'(context) {
    const { world, random, later, durationMs } = context;
    world.fault('power-failure', { durationMs });
    for (const node of world.nodes) node.crash();
    const spreadMs = random.pick([0, durationMs]);
    for (const node of world.nodes) {
      later(durationMs + random.between(0, spreadMs), () => node.start());
    }
  },
  /** Waits for a membership change and strikes a node in the middle of it: recovery interrupted. */
  ambush(context) {
    const { world, random } = context;
    const how = random.pick([crashNow, pauseNow, cutNow]);
    world.fault('ambush', { how: how.name, durationMs: context.durationMs });
    watch(context, world.now + context.durationMs, (node) => how(context, node));
  },
};

/** Who hears whom, by place. */
const SHAPES = {
  /** Two halves; place 0 hears both. */
  bridge: (from: number, to: number, count: number): boolean =>
    from === 0 || to === 0 || from <= count / 2 === to <= count / 2,
  /** Neighbours only. */
  chain: (from: number, to: number): boolean => Math.abs(from - to) <= 1,
  /** Two groups that share a third of the places. */
  overlap: (from: number, to: number, count: number): boolean =>
    Math.max(from, to) < (2 * count) / 3 || Math.min(from, to) >= count / 3,
} as const;

/** What one packet costs a process that is not slow. */
const PACKET_MS = 0.05;
export const SLOW_FACTOR_MIN = 2;
export const SLOW_FACTOR_MAX = 50;
const AMBUSH_STATES: ReadonlySet<string> = new Set(['commit', 'recovery']);
const AMBUSH_POLL_MS = 0.5;
const AMBUSH_CHANCE = 0.2;

function watch(context: FaultContext, until: number, strike: (node: SimNode) => void): void {
  const { world, random, later } = context;
  if (world.now > until) return;
  for (const node of world.nodes) {
    const state = node.paused ? undefined : node.process?.state;
    if (state !== undefined && AMBUSH_STATES.has(state) && random.chance(AMBUSH_CHANCE)) {
      strike(node);
    }
  }
  later(AMBUSH_POLL_MS, () => watch(context, until, strike));
}

function crashNow(context: FaultContext, node: SimNode): void {
  context.world.fault('crash', { node: node.id });
  node.crash();
  restartLater({ ...context, durationMs: context.random.exponential(context.durationMs) }, node);
}

function pauseNow(context: FaultContext, node: SimNode): void {
  pauseFor(context, node, context.random.exponential(context.durationMs / 2));
}

function cutNow(context: FaultContext, node: SimNode): void {
  const index = context.world.nodes.indexOf(node);
  const links = allLinks(context).filter(([from, to]) => from === index || to === index);
  const durationMs = context.random.exponential(context.durationMs / 2);
  cut({ ...context, durationMs }, 'isolate', { node: node.id, how: 'ambush' }, links);
}

function pauseFor(context: FaultContext, node: SimNode, durationMs: number): void {
  const { incarnation } = node;
  context.world.fault('pause', { node: node.id, durationMs });
  node.pause();
  context.later(durationMs, () => {
    if (node.incarnation !== incarnation) return;
    context.world.fault('resume', { node: node.id });
    node.resume();
  });
}

function cut(
  context: FaultContext,
  name: string,
  detail: Readonly<Record<string, number | string | readonly number[]>>,
  links: readonly Link[],
): void {
  const { world, later, durationMs, networks } = context;
  const block = (on: boolean): void => {
    for (const network of networks) {
      for (const [from, to] of links) network.block(from, to, on);
    }
  };
  world.fault(name, { ...detail, ...hit(context), durationMs });
  block(true);
  later(durationMs, () => {
    world.fault('mend', { after: name });
    block(false);
  });
}

/** Which of several networks, for the trace. */
function hit({ world, networks }: FaultContext): { networks?: number[] } {
  if (world.networks.length === 1) return {};
  return { networks: networks.map((network) => world.networks.indexOf(network)) };
}

function allLinks(context: FaultContext): Link[] {
  const links: Link[] = [];
  const count = context.world.nodes.length;
  for (let from = 0; from < count; from += 1) {
    for (let to = 0; to < count; to += 1) if (from !== to) links.push([from, to]);
  }
  return links;
}

function randomLink(context: FaultContext): Link {
  const links = allLinks(context);
  return links.length === 0 ? [0, 0] : context.random.pick(links);
}

function randomUp(context: FaultContext): SimNode | undefined {
  const up = context.world.nodes.filter((node) => node.up);
  return up.length === 0 ? undefined : context.random.pick(up);
}

/** Until the node is up again, however long it takes to go down. */
function restartLater(context: FaultContext, node: SimNode): void {
  context.later(context.durationMs, () => {
    if (node.up) restartLater(context, node);
    else node.start();
  });
}

const ids = (nodes: readonly SimNode[]): number[] => nodes.map((node) => node.id);
const idOf = (context: FaultContext, index: number): number => context.world.nodes[index]!.id;
