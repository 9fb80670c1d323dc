/** Rubbish that is shaped like the real thing: values near a given one, for finding handlers that throw. */
import type { Random } from './random.ts';

const NUMBERS = [0, 1, 2, 0x7fff_ffff, 0xffff_ffff, Number.MAX_SAFE_INTEGER];
const BIGINTS = [0n, 1n, -1n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn];
const TEXTS = ['', 'x', '__proto__', 'constructor', 'a\u0000b', 'ä'.repeat(100)];

/** A copy of `value` with some of its leaves replaced. */
export function mutate(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return mutateList(value, random);
  if (value instanceof Uint8Array) return new Uint8Array(random.below(64));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, field]) => [name, mutate(field, random)]);
    return Object.fromEntries(random.below(8) === 0 ? entries.slice(1) : entries);
  }
  if (random.below(3) !== 0) return value;
  return mutateLeaf(value, random);
}

function mutateList(value: readonly unknown[], random: Random): unknown {
  const items = value.map((item) => mutate(item, random));
  switch (random.below(4)) {
    case 0:
      return items.slice(1);
    case 1:
      return items.length > 0 ? [...items, items[0]] : items;
    default:
      return items;
  }
}

function mutateLeaf(value: unknown, random: Random): unknown {
  switch (typeof value) {
    case 'number':
      return random.below(2) === 0 ? random.pick(NUMBERS) : value ^ (1 << random.below(31));
    case 'bigint':
      return random.below(2) === 0
        ? random.pick(BIGINTS)
        : value ^ (1n << BigInt(random.below(63)));
    case 'string':
      return random.pick(TEXTS);
    case 'boolean':
      return !value;
    default:
      return random.pick<unknown>([null, undefined, 0, 0n, '', false]);
  }
}
