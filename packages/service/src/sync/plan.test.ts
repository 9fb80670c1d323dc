import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Hello } from './messages.ts';
import { planSync } from './plan.ts';

interface Told {
  /** Ring sequence of the lineage; absent: a fresh node. */
  readonly seq?: number;
  readonly rep?: number;
  readonly events?: number;
  readonly digest?: string;
  readonly pristine?: boolean;
  readonly quorate?: boolean;
  readonly primary?: number;
  readonly members?: readonly number[];
  readonly hash?: string;
  readonly order?: bigint;
  /** Node and ring sequence; null: code that does not know of it. */
  readonly past?: Readonly<Record<number, number>> | null;
}

function plan(told: Readonly<Record<number, Told>>) {
  const hellos = new Map<number, Hello>();
  for (const [id, one] of Object.entries(told)) {
    const nodeId = Number(id);
    const { seq, rep = 1, events = 0, digest = 'd', quorate = true, members = [nodeId] } = one;
    const { pristine = false, primary = quorate ? (seq ?? 0) : 0 } = one;
    hellos.set(nodeId, {
      node: {
        nodeId,
        name: `n${id}`,
        address: { family: 'inet', text: '127.0.0.1' },
        bootTime: 0n,
      },
      time: BigInt(nodeId),
      order: one.order ?? 0n,
      lineage:
        seq === undefined
          ? null
          : { ringId: { rep, seq }, events, digest, pristine, quorate, primary, members },
      services: [{ id: 60, hash: one.hash ?? 'h' }],
      ...(one.past !== null && {
        past: Object.entries(one.past ?? {}).map(([node, of]) => ({
          node: Number(node),
          ringId: { rep: 1, seq: of },
        })),
      }),
    });
  }
  return planSync({ rep: 1, seq: 100 }, hellos);
}

const partsOf = (told: Readonly<Record<number, Told>>) => {
  const service = plan(told).services.get(60)!;
  return { transfer: service.transfer, parts: service.parts.map(({ nodes }) => nodes.join()) };
};

describe('who adds nothing', () => {
  const superseded = (told: Readonly<Record<number, Told>>) =>
    plan(told)
      .services.get(60)!
      .parts.flatMap((part) => (part.superseded ? part.nodes : []));

  test('who had no quorum while the winner had', () => {
    const alone = { seq: 16, quorate: false, primary: 8 };
    expect(superseded({ 1: { seq: 12 }, 2: { seq: 12 }, 3: alone })).toEqual([3]);
  });

  test('who slept in a ring that another part went through', () => {
    const [slept, awake] = [{ seq: 8 }, { seq: 12, past: { 3: 8 } }];
    expect(superseded({ 1: awake, 2: awake, 3: slept })).toEqual([3]);
    expect(superseded({ 1: { seq: 16 }, 2: awake, 3: slept })).toEqual([3]);
  });

  test('not who was in another ring since', () => {
    expect(superseded({ 1: { seq: 20, past: { 3: 8 } }, 3: { seq: 12 } })).toEqual([]);
  });

  test('where one node does not know of it, nobody by it', () => {
    const awake = { seq: 12, past: { 3: 8 } };
    expect(superseded({ 1: awake, 2: { past: null }, 3: { seq: 8 } })).toEqual([]);
  });
});

describe('who sends', () => {
  test('nobody when all come from one history', () => {
    expect(partsOf({ 1: { seq: 8 }, 2: { seq: 8 } })).toEqual({ transfer: false, parts: ['1,2'] });
  });

  test('nobody when all are fresh', () => {
    expect(partsOf({ 1: {}, 2: {} })).toEqual({ transfer: false, parts: [] });
  });

  test('the lowest survivor of the old ring, never a fresh node with a lower id', () => {
    expect(partsOf({ 1: {}, 2: { seq: 8 }, 3: { seq: 8 } })).toEqual({
      transfer: true,
      parts: ['2,3'],
    });
  });

  test('one of each old ring when halves meet', () => {
    const halves = { 1: { seq: 8 }, 2: { seq: 8 }, 3: { seq: 12 }, 4: { seq: 12 } };
    expect(partsOf(halves)).toEqual({ transfer: true, parts: ['3,4', '1,2'] });
  });

  test('one of each history within a ring whose end they saw differently', () => {
    const torn = { 1: { seq: 8, events: 9, digest: 'a' }, 2: { seq: 8, events: 9, digest: 'b' } };
    expect(partsOf(torn)).toEqual({ transfer: true, parts: ['1', '2'] });
  });

  test('one of each state when a service has diverged within a history', () => {
    const told = { 1: { seq: 8, hash: 'x' }, 2: { seq: 8, hash: 'y' }, 3: { seq: 8, hash: 'y' } };
    expect(partsOf(told)).toEqual({ transfer: true, parts: ['2,3', '1'] });
    expect(plan(told).services.get(60)?.diverged).toBe(true);
    expect(plan(told).lineages).toBe(1);
  });
});

describe('a history in which nothing happened', () => {
  const pristine = true;

  test('counts as fresh when it meets one in which something did, young and quorate or not', () => {
    const told = { 1: { seq: 12, pristine }, 2: { seq: 8, quorate: false } };
    expect(partsOf(told)).toEqual({ transfer: true, parts: ['2'] });
    expect(plan(told)).toMatchObject({ joined: [1], left: [], pristine: false });
  });

  test('is merged with others like it, since views alone may have left traces', () => {
    const told = { 1: { seq: 12, pristine }, 2: { seq: 8, pristine } };
    expect(partsOf(told)).toEqual({ transfer: true, parts: ['1', '2'] });
    expect(plan(told).pristine).toBe(true);
  });
});

describe('who wins', () => {
  test.each<[string, Told, Told]>([
    ['the quorate history', { seq: 8, quorate: true }, { seq: 12, quorate: false }],
    [
      'who was in the last quorate ring and was cut off, against who slept through it',
      { seq: 20, quorate: false, primary: 16 },
      { seq: 12, quorate: true },
    ],
    ['the younger ring', { seq: 12, rep: 5 }, { seq: 8, rep: 1 }],
    ['the lower representative', { seq: 8, rep: 1 }, { seq: 8, rep: 2 }],
    ['the longer history', { seq: 8, events: 3 }, { seq: 8, events: 2 }],
  ])('%s', (_why, winner, loser) => {
    expect(partsOf({ 1: loser, 2: winner }).parts).toEqual(['2', '1']);
  });
});

describe('joined and left', () => {
  test('a fresh cluster: everybody joined, nobody left', () => {
    expect(plan({ 1: {}, 2: {} })).toMatchObject({ joined: [1, 2], left: [] });
  });

  test('a node that is gone has left', () => {
    expect(plan({ 1: { seq: 8, members: [1, 2] } })).toMatchObject({ joined: [], left: [2] });
  });

  test('a new incarnation has both left and joined', () => {
    const told = { 1: { seq: 8, members: [1, 2] }, 2: {} };
    expect(plan(told)).toMatchObject({ joined: [2], left: [2] });
  });

  test('a node with a history of its own has joined but not left, though the winner knew it', () => {
    const told = {
      1: { seq: 8, members: [1, 2], quorate: true },
      2: { seq: 12, members: [2], quorate: false },
    };
    expect(plan(told)).toMatchObject({ joined: [2], left: [] });
  });

  test('who died in a losing history has left, so that its clients are stripped, too', () => {
    const told = { 1: { seq: 12, members: [1] }, 3: { seq: 8, members: [3, 4] } };
    expect(plan(told)).toMatchObject({ joined: [3], left: [4] });
  });
});

test('the order of a view is above every order ever given, even when a ring outgrew its sequence', () => {
  const outgrown = (104n << 32n) + 7n;
  expect(plan({ 1: { seq: 8, order: 5n } }).order).toBe(100n << 32n);
  expect(plan({ 1: { seq: 8, order: 5n }, 2: { order: outgrown } }).order).toBe(outgrown + 1n);
});

test('the plan does not depend on the order in which hellos came', () => {
  const told = fc.record({
    seq: fc.constantFrom(undefined, 8, 12),
    events: fc.nat(2),
    quorate: fc.boolean(),
    hash: fc.constantFrom('x', 'y'),
  });
  fc.assert(
    fc.property(fc.array(told, { minLength: 1, maxLength: 6 }), (list) => {
      const of = (entries: [number, Told][]) => partsOf(Object.fromEntries(entries));
      const entries = list.map((one, i): [number, Told] => {
        const { seq, ...rest } = one;
        return [i + 1, seq === undefined ? rest : { ...rest, seq }];
      });
      expect(of([...entries].reverse())).toEqual(of(entries));
    }),
  );
});
