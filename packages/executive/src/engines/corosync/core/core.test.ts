import { describe, expect, test } from '@jest/globals';
import { CpgWorld, type Life } from './cpg-world.fixture.ts';
import { encodeSignal, FRAME_VERSION } from './wire.ts';

const ringText = (ringId: { rep: number; seq: number }) => `${ringId.rep}.${ringId.seq}`;

/** A view as one life was told of it. */
interface ViewTold {
  readonly ring: string;
  readonly seq: number;
  readonly members: string;
  readonly quorate: boolean;
  readonly messages: string[];
  /** How many of them came before the transitional configuration. */
  regular: number;
  /** Who went along to the next view. */
  with: readonly number[] | undefined;
}

function viewsOf({ told }: Life): readonly ViewTold[] {
  const views: ViewTold[] = [];
  for (const one of told) {
    if ('message' in one) {
      views.at(-1)!.messages.push(one.message);
      expect(ringText(one.ringId)).toBe(views.at(-1)!.ring);
      continue;
    }
    const { type, ringId, members } = one.configuration;
    if (type === 'transitional') {
      expect(ringText(ringId)).toBe(views.at(-1)!.ring);
      views.at(-1)!.with = members;
      views.at(-1)!.regular = views.at(-1)!.messages.length;
    } else {
      views.push({
        ring: ringText(ringId),
        seq: ringId.seq,
        members: members.join(),
        quorate: one.quorate,
        messages: [],
        regular: Number.POSITIVE_INFINITY,
        with: undefined,
      });
    }
  }
  return views;
}

/** Extended virtual synchrony, as far as a program that sees only what was told can check it. */
function check(world: CpgWorld): void {
  const rings = new Map<string, { members: string; quorate: boolean }>();
  const seqs = new Map<number, number>();
  for (const life of world.lives) {
    const views = viewsOf(life);
    for (const { ring, seq, members, quorate } of views) {
      expect(seq).toBeGreaterThan(seqs.get(life.node) ?? 0);
      seqs.set(life.node, seq);
      const known = rings.get(ring) ?? { members, quorate };
      expect({ members, quorate }).toEqual(known);
      rings.set(ring, known);
    }
    const sent = new Set(life.sent);
    const delivered = views.flatMap(({ messages }) => messages);
    expect(new Set(delivered).size).toBe(delivered.length);
    const own = delivered.filter(
      (message) => message.startsWith(`${life.node}-`) && sent.has(message),
    );
    expect(own).toEqual(life.sent.slice(0, own.length));
    if (life.alive) expect(own).toEqual(life.sent);
    for (let sender = 1; sender <= 5; sender++) {
      const numbers = delivered
        .filter((message) => message.startsWith(`${sender}-`))
        .map((message) => Number(message.split('-')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  }
  const told = new Map(world.lives.map((life) => [life, viewsOf(life)]));
  for (const a of world.lives) {
    for (const b of world.lives) if (a !== b) compare(told.get(a)!, told.get(b)!, b);
  }
}

/** Those that go together have delivered the same; others what they both have in one order. */
function compare(mine: readonly ViewTold[], theirs: readonly ViewTold[], b: Life): void {
  mine.forEach((view, i) => {
    const at = theirs.findIndex(({ ring }) => ring === view.ring);
    const other = theirs[at];
    if (other === undefined) return;
    const ours = new Set(view.messages);
    const has = new Set(other.messages);
    const both = view.messages.filter((message) => has.has(message));
    expect(other.messages.filter((message) => ours.has(message))).toEqual(both);
    if (b.alive) {
      const safe = view.messages.slice(0, view.regular).filter((text) => text.endsWith('safe'));
      expect(safe.filter((message) => !has.has(message))).toEqual([]);
    }
    const next = mine[i + 1]?.ring;
    if (next !== undefined && next === theirs[at + 1]?.ring && view.with?.includes(b.node)) {
      expect(other.with).toEqual(view.with);
      expect(other.messages).toEqual(view.messages);
    }
  });
}

function run(world: CpgWorld, steps: number): void {
  for (let i = 0; i < steps; i++) {
    world.step();
    if (world.random.below(6) === 0) world.say(1 + world.random.below(3));
  }
}

describe('the core, on a modelled CPG', () => {
  test('three executives agree on one quorate view and deliver everything in one order', () => {
    const world = new CpgWorld(1, 3);
    run(world, 6_000);
    world.settle();
    check(world);
    const [first, ...others] = world.lives.map((life) => viewsOf(life).at(-1));
    expect(first!.messages.length).toBeGreaterThan(100);
    for (const other of others) expect(other).toEqual(first);
  });

  test.each(Array.from({ length: 60 }, (_, i) => i + 1))(
    'extended virtual synchrony holds through kills, pauses and partitions (seed %d)',
    (seed) => {
      const world = new CpgWorld(seed, 3);
      for (let fault = 0; fault < 12; fault++) {
        run(world, world.random.below(1_000));
        const node = 1 + world.random.below(3);
        const actions = [
          () => world.killCorosync(node),
          () => world.killExecutive(node),
          () => world.pause(node),
          () => world.split((other) => (other === node ? 1 : 0)),
          () => world.split((other) => other),
          () => world.heal(),
          () => world.resume(),
          () => world.startCorosync(node),
          () => world.startExecutive(node),
          () => world.leaveGroup(world.executive(node) ?? world.lives[0]!),
        ];
        world.random.pick(actions)();
      }
      world.settle();
      check(world);
    },
  );

  test('a quorum that changes within a ring is the same for all views of all members', () => {
    const world = new CpgWorld(11, 3);
    world.settle();
    world.judge(false);
    run(world, 4_000);
    for (const { core } of world.lives) expect(core.quorum.quorate).toBe(false);
    world.judge(true);
    run(world, 4_000);
    world.settle();
    check(world);
  });

  test('a stranger in the group is named, counted and not waited for', () => {
    const world = new CpgWorld(7, 3);
    world.settle();
    world.intrude(2, new Uint8Array([1, 2, 3]));
    const other = encodeSignal('tick', { view: { rep: 1, seq: 1 }, delivered: 0 });
    other[4] = FRAME_VERSION + 1;
    world.intrude(3, other);
    run(world, 4_000);
    world.settle();
    check(world);
    expect(world.traced).toContain('foreign-message');
    expect(world.traced).toContain('silent-members');
    expect(world.executive(1).core.stats().foreignDropped).toBe(2);
  });
});
