import { describe, expect, test } from '@jest/globals';
import { EventBuffer } from './event-buffer.ts';
import type { EventItem } from './items.ts';

/** Takes what it is given, `lost` for a loss elsewhere, and shows in which order it is read. */
function read(given: readonly (string | number)[], max = 100): readonly string[] {
  const buffer = new EventBuffer(max);
  for (const one of given) {
    if (one === 'lost') buffer.lost();
    // A number is a priority, and what the event is known by.
    else buffer.push({ type: 'event', id: BigInt(one), priority: Number(one) % 10 } as EventItem);
  }
  const order: string[] = [];
  for (let item = buffer.shift(); item !== undefined; item = buffer.shift()) {
    order.push(item.type === 'event' ? String(item.id) : `lost ${item.count ?? '?'}`);
  }
  return order;
}

describe('a loss elsewhere', () => {
  test.each([
    ['stands between what came before and what came after', [3, 13, 'lost', 23], '3 13 lost ? 23'],
    ['stands at the end, too', [3, 'lost'], '3 lost ?'],
    ['twice at one place is told once', [3, 'lost', 'lost', 13], '3 lost ? 13'],
    ['twice is told twice', [3, 'lost', 13, 'lost', 23], '3 lost ? 13 lost ? 23'],
    ['is told before a later event that overtakes earlier ones', [3, 'lost', 0], 'lost ? 0 3'],
    ['does not hold up an earlier one of a higher priority', [3, 10, 'lost', 13], '10 3 lost ? 13'],
  ] as const)('%s', (_, given, expected) => {
    expect(read(given).join(' ')).toBe(expected);
  });

  test('is told together with what was dropped here, whose number nobody knows then', () => {
    expect(read([3, 13, 'lost', 23, 33], 2).join(' ')).toBe('lost 2 3 13 lost ?');
  });
});
