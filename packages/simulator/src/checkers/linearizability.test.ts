/** The checker against all permutations of small histories, and on histories whose verdict is known. */
import { describe, expect, test } from '@jest/globals';
import { createRandom } from '../random.ts';
import { checkLinearizability, type Model, type Operation } from './linearizability.ts';

type Register =
  | { readonly kind: 'write'; readonly value: number }
  | { readonly kind: 'read'; readonly value: number };

const register: Model<number, Register> = {
  initial: 0,
  step: (state, op) => (op.kind === 'write' ? op.value : op.value === state ? state : undefined),
  key: String,
};

const PLENTY = 100_000;
const check = (history: readonly Operation<Register>[]) =>
  checkLinearizability(history, register, PLENTY);
const write = (value: number, invoke: number, complete: number): Operation<Register> => ({
  invoke,
  complete,
  op: { kind: 'write', value },
});
const read = (value: number, invoke: number, complete: number): Operation<Register> => ({
  invoke,
  complete,
  op: { kind: 'read', value },
});
const NEVER = Number.POSITIVE_INFINITY;

/** Every order that real time allows, tried one after the other without memory. */
function bruteForce(history: readonly Operation<Register>[], state = register.initial): boolean {
  if (history.every(({ complete }) => complete === NEVER)) return true;
  const firstReturn = Math.min(...history.map(({ complete }) => complete));
  return history.some((operation, i) => {
    if (operation.invoke > firstReturn) return false;
    const next = register.step(state, operation.op);
    return next !== undefined && bruteForce(history.toSpliced(i, 1), next);
  });
}

/** Up to seven operations of clients that do one thing at a time; some outcomes are unknown. */
function drawHistory(seed: number): Operation<Register>[] {
  const random = createRandom(seed, 'history');
  const count = 1 + random.below(7);
  const places = Array.from({ length: 2 * count }, (_, i) => i + 1);
  for (let i = places.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [places[i], places[j]] = [places[j]!, places[i]!];
  }
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [places[2 * i]!, places[2 * i + 1]!];
    const complete = random.chance(0.15) ? NEVER : Math.max(a, b);
    const make = random.chance(0.5) ? write : read;
    return make(random.below(3), Math.min(a, b), complete);
  });
}

describe('linearizability', () => {
  test('5,000 small histories have the verdict of brute force, both verdicts among them', () => {
    const verdicts = { good: 0, bad: 0 };
    for (let seed = 1; seed <= 5_000; seed++) {
      const history = drawHistory(seed);
      const expected = bruteForce(history);
      verdicts[expected ? 'good' : 'bad']++;
      const verdict = check(history);
      if ((verdict === 'linearizable') !== expected) throw new Error(`seed ${seed}: ${verdict}`);
    }
    expect(verdicts.good).toBeGreaterThan(500);
    expect(verdicts.bad).toBeGreaterThan(500);
  });

  test('a stale read after a write has returned is none', () => {
    expect(check([write(1, 1, 2), read(0, 3, 4)])).toBe('not linearizable');
  });

  test('a read beside a write may see either value, and once it saw the new one nobody sees the old', () => {
    expect(check([write(1, 1, 6), read(1, 2, 3), read(1, 4, 5)])).toBe('linearizable');
    expect(check([write(1, 1, 6), read(1, 2, 3), read(0, 4, 5)])).toBe('not linearizable');
  });

  test('a write of unknown outcome may be seen late, or never', () => {
    const lost = write(1, 1, NEVER);
    expect(check([lost, read(0, 2, 3), read(1, 4, 5)])).toBe('linearizable');
    expect(check([lost, read(0, 2, 3), read(0, 4, 5)])).toBe('linearizable');
    expect(check([lost, read(1, 2, 3), read(0, 4, 5)])).toBe('not linearizable');
  });

  test('an empty history is linearizable', () => {
    expect(check([])).toBe('linearizable');
  });

  test('2,000 operations of eight clients are decided; beyond the bound the answer is undecided', () => {
    const random = createRandom(9, 'long');
    let value = 0;
    const history = Array.from({ length: 2_000 }, (_, i) => {
      const at = 10 * i;
      if (random.chance(0.3)) value = random.below(5);
      // Overlaps its seven predecessors and takes effect in the middle.
      return write(value, at - 35 + random.next(), at + 35 + random.next());
    });
    expect(check(history)).toBe('linearizable');
    expect(checkLinearizability(history, register, 10)).toBe('undecided');
  });
});
