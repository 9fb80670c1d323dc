import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAGIC, PACKET_TYPE } from '../wire/index.ts';
import type { LinkMode } from './contract.ts';
import { isLinkFrame, LINK_FRAME_BYTES, LINK_MAGIC, putFrame } from './frame.ts';
import {
  HOLD_PROBES_MAX,
  HOLD_PROBES_MIN,
  LINKS_MAX,
  LOSS_WINDOW_PROBES,
  PROBES_PER_TOKEN,
  SILENT_PROBES,
} from './limits.ts';
import {
  createPair,
  type Pair,
  PERIOD_MS,
  ringPacket,
  route,
  stateOf,
  TOKEN_MS,
} from './links.fixture.ts';
import { createLinks } from './machine.ts';

const nothing = { unicast() {}, multicast() {}, setTimer() {}, event() {} };
/** Two-way. */
const cut = (pair: Pair, ...links: number[]) => {
  pair.passes = (_, link) => !links.includes(link);
};
/** Probes until a mended link is back: those it owes, and those whose outcome is not decided yet. */
const BACK = HOLD_PROBES_MIN + SILENT_PROBES + 1;

describe.each(['passive', 'active'] as const)('%s', (mode) => {
  const both = mode === 'active' ? [0, 1] : [0];

  test('all links are used until one answers', () => {
    const pair = createPair(2, mode);
    expect(stateOf(pair.one)).toEqual(['up', 'up']);
    expect(route(pair.one)).toEqual(both);
    const alone = createLinks(
      { nodeId: 1, mode, tokenMs: TOKEN_MS, peers: [{ id: 2, links: [0, 1] }] },
      nothing,
    );
    expect(alone.status().map(({ state, used }) => [state, used])).toEqual([
      ['new', true],
      ['new', true],
    ]);
  });

  test.each([
    ['both ways', (_: number, link: number) => link !== 0],
    ['there', (from: number, link: number) => link !== 0 || from === 2],
    ['back', (from: number, link: number) => link !== 0 || from === 1],
  ])('a link that is cut %s is left within half a token time-out, by both sides', (_, passes) => {
    const pair = createPair(2, mode);
    pair.run(5);
    pair.passes = passes;
    // The last probe was answered just before.
    pair.run(PROBES_PER_TOKEN / 2);
    for (const side of [pair.one, pair.two]) {
      expect(stateOf(side)).toEqual(['down', 'up']);
      expect(side.machine.status().map(({ used }) => used)).toEqual([false, true]);
      expect(side.events.at(-1)).toMatchObject({ event: 'link-down', link: 0, reason: 'silent' });
    }
    expect(route(pair.one)).toEqual([1]);
  });

  test('a mended link is used again when it has answered for its hold', () => {
    const pair = createPair(2, mode);
    cut(pair, 0);
    pair.run(10);
    cut(pair);
    pair.run(BACK - 2);
    expect(route(pair.one)).toEqual([1]);
    pair.run(2);
    expect(route(pair.one)).toEqual(both);
    expect(pair.one.events.at(-1)).toEqual({
      event: 'link-up',
      link: 0,
      peer: 2,
      reason: 'stable',
      up: 2,
    });
  });

  test('when no link answers, all are used, and a peer that comes back has its links at once', () => {
    const pair = createPair(2, mode);
    cut(pair, 0, 1);
    pair.run(6);
    expect(pair.one.events.filter(({ event }) => event === 'link-down')).toMatchObject([
      { link: 0, reason: 'peer-silent', up: 1 },
      { link: 1, reason: 'peer-silent', up: 0 },
    ]);
    expect(route(pair.one)).toEqual([0, 1]);
    cut(pair);
    pair.run(1);
    expect(stateOf(pair.one)).toEqual(['up', 'up']);
    expect(pair.one.machine.status().map(({ downs }) => downs)).toEqual([0, 0]);
  });

  test('links that go one after the other are all used, and the first to hold carries again', () => {
    const pair = createPair(2, mode);
    cut(pair, 0);
    pair.run(6);
    cut(pair, 0, 1);
    pair.run(6);
    expect(route(pair.one)).toEqual([0, 1]);
    cut(pair, 1);
    pair.run(BACK + 1);
    expect(stateOf(pair.one)).toEqual(['up', 'down']);
    expect(route(pair.one)).toEqual([0]);
  });

  test('one lost probe, or two, are nothing', () => {
    const pair = createPair(2, mode);
    cut(pair, 0);
    pair.run(SILENT_PROBES - 1);
    cut(pair);
    pair.run(20);
    expect(pair.one.events.filter(({ event }) => event === 'link-down')).toEqual([]);
  });

  test('a link that loses every second probe is left as lossy while another carries', () => {
    const pair = createPair(2, mode);
    let period = 0;
    pair.passes = (_, link) => link !== 0 || period % 2 === 0;
    for (; period < LOSS_WINDOW_PROBES; period++) pair.run(1);
    expect(pair.one.events.at(-1)).toMatchObject({ link: 0, reason: 'lossy' });
    expect(route(pair.one)).toEqual([1]);
    for (; period < 200; period++) pair.run(1);
    expect(route(pair.one)).toEqual([1]);
  });

  test('this process sleeping is no silence of the links', () => {
    const pair = createPair(2, mode);
    pair.sleep(pair.one, 20);
    pair.run(5);
    expect(pair.one.events.filter(({ event }) => event === 'link-down')).toEqual([]);
    expect(stateOf(pair.one)).toEqual(['up', 'up']);
  });
});

test('the hold of a flapping link doubles up to a bound, and a long calm is forgiven', () => {
  const pair = createPair(2, 'passive');
  const held: number[] = [];
  for (let i = 0; i < 9; i++) {
    cut(pair, 0);
    pair.run(5);
    held.push(pair.one.machine.status()[0]!.owes);
    cut(pair);
    while (stateOf(pair.one)[0] !== 'up') pair.run(1);
  }
  expect(held).toEqual([8, 16, 32, 64, 128, 256, 512, 512, 512]);
  pair.run(HOLD_PROBES_MAX);
  cut(pair, 0);
  pair.run(5);
  expect(pair.one.machine.status()[0]!.owes).toBe(HOLD_PROBES_MIN);
});

test('a link that never answered is told as soon as another one does', () => {
  const pair = createPair(3, 'active', 0, () => false);
  pair.run(10);
  expect(pair.one.events).toEqual([]);
  cut(pair, 2);
  pair.run(2);
  expect(pair.one.events.map(({ event, link, reason }) => [event, link, reason])).toEqual([
    ['link-up', 0, 'answered'],
    ['link-up', 1, 'answered'],
    ['link-down', 2, 'silent'],
  ]);
});

test.each(['mergeDetect', 'join', 'commitToken', 'holdCancel'] as const)(
  'a %s, which has no number, goes out once even where all links are active',
  (type) => {
    const pair = createPair(3, 'active');
    const sent = PACKET_TYPE[type];
    expect(route(pair.one, sent)).toEqual([0]);
    pair.one.sent.length = 0;
    pair.one.machine.multicast(ringPacket(sent));
    expect(pair.one.sent).toEqual([{ link: 0, packet: sent, targets: undefined }]);
    cut(pair, 0);
    pair.run(5);
    expect(route(pair.one, sent)).toEqual([1]);
    cut(pair, 0, 1, 2);
    pair.run(5);
    const inTurn = [1, 2, 3].flatMap(() => route(pair.one, sent));
    expect([...inTurn].sort()).toEqual([0, 1, 2]);
    expect(route(pair.one)).toEqual([0, 1, 2]);
    pair.one.sent.length = 0;
    for (const _ of inTurn) pair.one.machine.multicast(ringPacket(sent));
    expect(pair.one.sent.map(({ link }) => link)).toEqual(inTurn);
  },
);

test('the numbers of probes wrap around unnoticed', () => {
  const pair = createPair(2, 'active', 0xffff_fffd);
  pair.run(20);
  expect(pair.one.machine.stats()).toMatchObject({ probes: 42, answered: 42, late: 0, up: 2 });
  expect(pair.one.events).toHaveLength(2);
});

test('times of round trips are measured', () => {
  const pair = createPair(2, 'passive');
  pair.run(3);
  for (const { rttMs } of pair.one.machine.status()) expect(rttMs).toBeCloseTo(2, 2);
});

test('peers with one link are never probed, and multicasts say whom they are for', () => {
  const probed: number[] = [];
  const sent: [number, readonly number[] | undefined][] = [];
  const links = createLinks(
    {
      nodeId: 1,
      mode: 'passive',
      tokenMs: TOKEN_MS,
      peers: [
        { id: 2, links: [0, 1] },
        { id: 3, links: [0] },
      ],
    },
    {
      ...nothing,
      unicast: (_link, target) => probed.push(target),
      multicast: (link, _packet, targets) => sent.push([link, targets]),
    },
  );
  links.start(0);
  expect(probed).toEqual([2, 2]);
  const answer = new Uint8Array(LINK_FRAME_BYTES);
  putFrame(answer, 2, 1, 2, 1, 0);
  expect(links.receive(1, 2, answer, 1)).toBe(true);
  links.multicast(ringPacket(PACKET_TYPE.mcast));
  // Node 2 by link 1, where everybody wants it; node 3 by its only one.
  expect(sent).toEqual([
    [0, [3]],
    [1, undefined],
  ]);
  expect(links.refused(0, 3, 2)).toBe(true);
});

test('with one link everywhere nothing but the packets of the ring is sent, and no timer runs', () => {
  const calls: string[] = [];
  const links = createLinks(
    { nodeId: 1, mode: 'active', tokenMs: TOKEN_MS, peers: [{ id: 2, links: [0] }] },
    {
      unicast: () => calls.push('unicast'),
      multicast: (link, _packet, targets) => calls.push(`multicast ${link} ${targets}`),
      setTimer: () => calls.push('timer'),
      event: () => calls.push('event'),
    },
  );
  links.start(0);
  links.multicast(ringPacket(PACKET_TYPE.mcast));
  expect(calls).toEqual(['multicast 0 undefined']);
});

test('a refusal is a hint about the node when no link of it is up and not refused', () => {
  const pair = createPair(2, 'passive');
  cut(pair, 0, 1);
  const before = pair.one.probes;
  expect(pair.one.machine.refused(0, 2, pair.now)).toBe(false);
  expect(pair.one.probes).toBe(before + 1);
  expect(pair.one.machine.refused(0, 2, pair.now)).toBe(false);
  expect(pair.one.probes).toBe(before + 1);
  expect(pair.one.machine.refused(1, 2, pair.now)).toBe(true);
  cut(pair);
  pair.run(1);
  expect(pair.one.machine.refused(0, 2, pair.now)).toBe(false);
});

test('a node that does not know its second link yet is not taken for dead by refusals there', () => {
  const pair = createPair(2, 'active', 0, () => false);
  pair.run(5);
  expect(pair.one.machine.refused(1, 2, pair.now)).toBe(false);
  expect(route(pair.one)).toEqual([0, 1]);
});

describe('what comes in', () => {
  test('packets of the ring are passed on, whatever the link', () => {
    const pair = createPair(2, 'passive');
    const packet = ringPacket(PACKET_TYPE.mcast);
    expect(pair.one.machine.receive(1, 2, packet, pair.now)).toBe(false);
    expect(pair.one.machine.receive(5, 9, packet, pair.now)).toBe(false);
    expect(LINK_MAGIC).not.toBe(MAGIC);
    expect(LINK_MAGIC).not.toBe(0xc5ea);
  });

  test.each<[string, (frame: Uint8Array) => Uint8Array, number, number]>([
    ['another link than its own', (frame) => frame, 1, 2],
    ['another node than its sender', (frame) => frame, 0, 3],
    ['a cut off end', (frame) => frame.subarray(0, 8), 0, 2],
    ['a version to come', (frame) => frame.fill(9, 2, 3), 0, 2],
    ['an unknown kind', (frame) => frame.fill(9, 3, 4), 0, 2],
  ])('a frame with %s is counted and dropped', (_, damage, link, source) => {
    const pair = createPair(2, 'passive');
    const frame = new Uint8Array(LINK_FRAME_BYTES);
    putFrame(frame, 1, 0, 2, 1, 1);
    const { answers } = pair.one.machine.stats();
    expect(pair.one.machine.receive(link, source, damage(frame), pair.now)).toBe(true);
    expect(pair.one.machine.stats()).toMatchObject({ rubbish: 1, answers });
  });

  test('any bytes are survived, and those that are no link frames are left to the ring', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(9), fc.nat(4), (bytes, link, source) => {
        const pair = createPair(2, 'passive');
        expect(pair.one.machine.receive(link, source, bytes, pair.now)).toBe(isLinkFrame(bytes));
      }),
      { numRuns: 200 },
    );
  });
});

test('whatever is cut and mended, packets go out, to a live link if there is one for long enough', () => {
  const step = fc.record({
    cut: fc.subarray([0, 1, 2]),
    oneWay: fc.boolean(),
    periods: fc.integer({ min: 1, max: 12 }),
  });
  const modes = fc.constantFrom<LinkMode>('passive', 'active');
  fc.assert(
    fc.property(modes, fc.array(step, { minLength: 1, maxLength: 20 }), (mode, steps) => {
      const pair = createPair(3, mode);
      for (const { cut: links, oneWay, periods } of steps) {
        pair.passes = (from, link) => !links.includes(link) || (oneWay && from === 2);
        pair.run(periods);
        const routes = route(pair.one);
        expect(routes.length).toBeGreaterThan(0);
        const live = [0, 1, 2].filter((link) => !links.includes(link));
        if (live.length === 0 || periods < PROBES_PER_TOKEN / 2) continue;
        expect(routes.some((link) => live.includes(link))).toBe(true);
      }
      for (const { owes } of pair.one.machine.status()) expect(owes).toBeLessThanOrEqual(512);
      pair.passes = () => true;
      pair.run(HOLD_PROBES_MAX + BACK);
      expect(stateOf(pair.one)).toEqual(['up', 'up', 'up']);
      expect(route(pair.one)).toEqual(mode === 'passive' ? [0] : [0, 1, 2]);
    }),
    { numRuns: 300 },
  );
});

test('a peer has one to eight links, in order, and nobody is his own', () => {
  const of = (id: number, links: number[]) => () =>
    createLinks(
      { nodeId: 1, mode: 'passive', tokenMs: PERIOD_MS, peers: [{ id, links }] },
      nothing,
    );
  const eight = Array.from({ length: LINKS_MAX }, (_, i) => i);
  expect(of(2, eight)).not.toThrow();
  for (const wrong of [[], [...eight, 8], [8], [1, 0], [0, 0]]) expect(of(2, wrong)).toThrow();
  expect(of(1, [0])).toThrow();
});
