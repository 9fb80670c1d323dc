/**
 * How much a simulated client sends: a rate, sizes and guarantees drawn per seed, so that seeds differ in
 * kind (a trickle of tiny messages, bursts of full packets, mostly safe ones) and not only in dice.
 */
import type { Random } from '../random.ts';
import { MESSAGE_HEAD_BYTES } from './message.ts';

export interface LoadProfile {
  /** Mean messages per second and node; 0 sends nothing but the sync messages. */
  readonly rate: number;
  /** Share of safe messages. */
  readonly safe: number;
  /** Messages sent at one instant. */
  readonly burst: number;
  /** Shares of full and of middle-sized messages; the rest is tiny. */
  readonly full: number;
  readonly middle: number;
}

/** Longest message of the load on a full node: fragments must be put together again. */
export const PACKETS_PER_MESSAGE_MAX = 4;
export const LOAD_TIMER = 'load';
const MIDDLE_BYTES_MAX = 400;
const TINY_BYTES_MAX = 64;

export function drawLoad(random: Random): LoadProfile {
  return {
    rate: random.magnitude(2, 150),
    safe: random.pick([0, 0.1, 0.5, 1]),
    burst: random.pick([1, 1, 1, 4, 30]),
    full: random.pick([0, 0, 0.1, 0.5]),
    middle: random.between(0, 0.5),
  };
}

export function drawSize(load: LoadProfile, payloadBytesMax: number, random: Random): number {
  const die = random.next();
  if (die < load.full) return payloadBytesMax - random.below(3);
  const max = die < load.full + load.middle ? MIDDLE_BYTES_MAX : TINY_BYTES_MAX;
  return Math.min(MESSAGE_HEAD_BYTES + random.below(max - MESSAGE_HEAD_BYTES), payloadBytesMax);
}

/** Time to the next burst. */
export const drawPauseMs = (load: LoadProfile, random: Random): number =>
  random.exponential((1000 * load.burst) / load.rate);
