/**
 * Which situations a collection of runs has been in: every input of the ring (packet, timer, hint, call) in
 * every state. A cell that no run reaches is a hole in the proof, unless it stands among the impossible ones
 * with its reason.
 */
import { RING_TIMERS, type RingMachine, type RingState } from '@aisexec/totem';
import type { RingFactory } from '../processes/ring-process.ts';

export const STATES: readonly RingState[] = [
  'down',
  'gather',
  'commit',
  'recovery',
  'operational',
  'left',
];
/** In the order of their numbers on the wire. */
const PACKETS = ['token', 'multicast', 'merge-detect', 'join', 'commit-token', 'hold-cancel'];
const CALLS = ['suspect', 'submit', 'syncComplete', 'leave'] as const;
export const INPUTS: readonly string[] = [
  ...PACKETS.map((name) => `packet ${name}`),
  ...RING_TIMERS.map((name) => `timer ${name}`),
  ...CALLS,
];

const TYPE_OFFSET = 3;
const NO_SOCKET = 'a driver opens the socket with the start and closes it with the end';
const NO_TIMER = 'nothing is set before the start, and the end cancels every timer';
const CANCELLED_BY_GATHER = 'gather cancels it on entry and never sets it';
const CANCELLED_BY_COMMIT = 'commit cancels it on entry, and only gather sets it';
const NO_DELIVERY = 'called from a delivery only, and nothing is delivered here';
const ONLY_OPERATIONAL = 'set in operational only, and cancelled on entering gather';

/**
 * `state input`: why no driver that keeps the contract of ring.ts gets there. The hostile runs go there all the
 * same, and nothing may come of it.
 */
export const IMPOSSIBLE: ReadonlyMap<string, string> = new Map([
  ...(['down', 'left'] as const).flatMap((state) =>
    INPUTS.map(
      (input) => [`${state} ${input}`, input.startsWith('timer') ? NO_TIMER : NO_SOCKET] as const,
    ),
  ),
  ['gather timer tokenRetransmit', CANCELLED_BY_GATHER],
  ['gather timer tokenHold', CANCELLED_BY_GATHER],
  ['gather timer merge', CANCELLED_BY_GATHER],
  ...(['commit', 'recovery'] as const).flatMap((state) => [
    [`${state} timer join`, CANCELLED_BY_COMMIT] as const,
    [`${state} timer consensus`, CANCELLED_BY_COMMIT] as const,
    [`${state} timer tokenHold`, ONLY_OPERATIONAL] as const,
    [`${state} timer merge`, ONLY_OPERATIONAL] as const,
  ]),
  ['gather syncComplete', NO_DELIVERY],
  ['commit syncComplete', NO_DELIVERY],
  ['operational timer join', CANCELLED_BY_COMMIT],
  ['operational timer consensus', CANCELLED_BY_COMMIT],
]);

export interface Situations {
  /** Hits by `state input`. */
  readonly hits: ReadonlyMap<string, number>;
  /** The same ring, watched. */
  watch(create: RingFactory): RingFactory;
}

export function createSituations(): Situations {
  const hits = new Map<string, number>();
  const hit = (state: RingState, input: string): void => {
    const cell = `${state} ${input}`;
    hits.set(cell, (hits.get(cell) ?? 0) + 1);
  };
  return {
    hits,
    watch:
      (create) =>
      (...parts) =>
        watched(create(...parts), hit),
  };
}

function watched(ring: RingMachine, hit: (state: RingState, input: string) => void): RingMachine {
  return {
    nodeId: ring.nodeId,
    get state() {
      return ring.state;
    },
    get ringId() {
      return ring.ringId;
    },
    get members() {
      return ring.members;
    },
    start: (now) => ring.start(now),
    receive(packet, now) {
      const name = PACKETS[packet[TYPE_OFFSET] ?? PACKETS.length];
      if (name !== undefined) hit(ring.state, `packet ${name}`);
      ring.receive(packet, now);
    },
    timeout(timer, now) {
      hit(ring.state, `timer ${timer}`);
      ring.timeout(timer, now);
    },
    suspect(node, now) {
      hit(ring.state, 'suspect');
      ring.suspect(node, now);
    },
    leave(now) {
      hit(ring.state, 'leave');
      ring.leave(now);
    },
    submit(payload, guarantee, traffic) {
      hit(ring.state, 'submit');
      return ring.submit(payload, guarantee, traffic);
    },
    room: (traffic) => ring.room(traffic),
    withdraw: (traffic) => ring.withdraw(traffic),
    syncComplete(ringId) {
      hit(ring.state, 'syncComplete');
      ring.syncComplete(ringId);
    },
    stats: () => ring.stats(),
  };
}
