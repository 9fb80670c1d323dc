import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decode } from './codec.ts';
import { Outbox } from './outbox.ts';

const lost = (name: string) => ({ lost: { name, payload: { name } } });
function nameOf(body: Uint8Array): string {
  return String((decode(body)?.value as { name?: unknown } | undefined)?.name);
}
function names(outbox: Outbox): string[] {
  const taken: string[] = [];
  for (let body = outbox.shift(); body !== undefined; body = outbox.shift()) {
    taken.push(nameOf(body));
  }
  return taken;
}

describe('Outbox', () => {
  test('serves priorities in order and each first come first served', () => {
    const outbox = new Outbox({});
    outbox.push('c', 0, { priority: 3 });
    outbox.push('a', 0);
    outbox.push('d', 0, { priority: 3 });
    outbox.push('b', 0, { priority: 1 });
    expect(names(outbox)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('full of what may not be dropped it says so', () => {
    const outbox = new Outbox({ framesMax: 2 });
    expect(outbox.push('a', 0)).toBe('queued');
    expect(outbox.push('b', 0)).toBe('queued');
    expect(outbox.push('c', 0)).toBe('full');
  });

  test('what may be dropped is replaced by one marker in its place, until the queue is half empty', () => {
    const outbox = new Outbox({ framesMax: 4 });
    for (let i = 0; i < 10; i++) outbox.push(`e${i}`, 0, lost('lost'));
    expect(outbox.dropped).toBe(6);
    const first = outbox.shift();
    expect(first).toBeDefined();
    outbox.push('still swallowed', 0, lost('lost'));
    for (let i = 0; i < 2; i++) outbox.shift();
    outbox.push('after', 0, lost('lost'));
    expect(names(outbox)).toEqual(['e3', 'lost', 'after']);
  });

  test('a callback of higher priority takes the place of the newest of the lowest', () => {
    const outbox = new Outbox({ framesMax: 3 });
    outbox.push('low1', 0, { priority: 3, ...lost('lost3') });
    outbox.push('mid', 0, { priority: 2, ...lost('lost2') });
    outbox.push('low2', 0, { priority: 3, ...lost('lost3') });
    expect(outbox.push('must', 0)).not.toBe('full');
    expect(names(outbox)).toEqual(['must', 'mid', 'lost3']);
  });

  test('while a marker swallows, a higher priority of its kind still goes before a lower', () => {
    const outbox = new Outbox({ framesMax: 4 });
    outbox.push('other', 0, { priority: 3, ...lost('y') });
    for (let i = 0; i < 6; i++) outbox.push(`low${i}`, 0, { priority: 3, ...lost('x') });
    expect(outbox.push('high', 0, { priority: 1, ...lost('x') })).toBe('queued');
    expect(outbox.push('low', 0, { priority: 3, ...lost('x') })).toBe('dropped');
    expect(outbox.dropped).toBe(6);
    expect(names(outbox)).toEqual(['high', 'other', 'low0', 'x']);
  });

  test('markers of different subscriptions are different markers', () => {
    const outbox = new Outbox({ framesMax: 2 });
    outbox.push('a', 0, lost('x'));
    outbox.push('a', 0, lost('x'));
    outbox.push('b', 0, lost('y'));
    outbox.push('c', 0, { lost: { name: 'x', payload: { other: 1 } } });
    expect(names(outbox)).toEqual(['a', 'a', 'y', 'x']);
  });

  test('bytes are bounded as well as the number', () => {
    const outbox = new Outbox({ bytesMax: 1000 });
    const payload = new Uint8Array(400);
    expect(outbox.push('a', payload)).toBe('queued');
    expect(outbox.push('b', payload)).toBe('queued');
    expect(outbox.push('c', payload)).toBe('full');
    expect(outbox.bytes).toBeLessThanOrEqual(1000);
  });

  test('whatever is pushed and taken: bounded, accounted, and no loss without its marker', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ priority: fc.nat(3), key: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const outbox = new Outbox({ framesMax: 8 });
        const sent = [0, 0, 0];
        const seen = [0, 0, 0];
        const marked = [false, false, false];
        const take = (body: Uint8Array | undefined) => {
          if (body === undefined) return;
          const name = nameOf(body);
          const key = Number(name.at(-1));
          if (name.startsWith('lost')) marked[key] = true;
          else seen[key]!++;
        };
        for (const push of steps) {
          if (push === undefined) take(outbox.shift());
          else {
            sent[push.key]!++;
            const options = { priority: push.priority, ...lost(`lost${push.key}`) };
            expect(outbox.push(`e${push.key}`, 0, options)).not.toBe('full');
          }
          expect(outbox.size).toBeLessThanOrEqual(8 + 3);
        }
        while (outbox.size > 0) take(outbox.shift());
        expect(outbox.bytes).toBe(0);
        for (const key of [0, 1, 2]) {
          if (seen[key] !== sent[key]) expect(marked[key]).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
