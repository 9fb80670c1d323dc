/**
 * The only randomness of a simulation: sfc32 (Chris Doty-Humphrey, PractRand), seeded. `fork(label)` gives
 * an independent stream that does not depend on how much of this one was drawn, so that a new draw in
 * the network does not change what the nemesis does.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [0, 2^32). */
  u32(): number;
  /** Integer in [0, bound). */
  below(bound: number): number;
  /** Real number in [min, max). */
  between(min: number, max: number): number;
  /** Log-uniform in [min, max): each order of magnitude is equally likely. `min` > 0. */
  magnitude(min: number, max: number): number;
  chance(probability: number): boolean;
  exponential(mean: number): number;
  pick<T>(list: readonly T[]): T;
  fork(label: string): Random;
}

const WARM_UP_ROUNDS = 12;

/** FNV-1a of a label, for seeding and for names in the trace hash. */
export function labelHash(label: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let i = 0; i < label.length; i += 1) {
    hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

export function createRandom(seed: number, label = ''): Random {
  const labelled = labelHash(label);
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = labelled | 0;
  let counter = 1;
  const u32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) u32();
  const next = (): number => u32() / 0x1_0000_0000;
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    u32,
    below,
    between: (min, max) => min + next() * (max - min),
    magnitude: (min, max) => min * Math.exp(next() * Math.log(max / min)),
    chance: (probability) => probability > 0 && next() < probability,
    exponential: (mean) => -mean * Math.log(1 - next()),
    pick: (list) => {
      if (list.length === 0) throw new Error('pick from an empty list');
      return list[below(list.length)]!;
    },
    fork: (child) => createRandom(seed, `${label}/${child}`),
  };
}
