import { describe, expect, test } from '@jest/globals';
import { logEvent } from './events.ts';
import { humanLine } from './human.ts';

describe('log events', () => {
  test('have their level by name, and ring ids and big integers as texts', () => {
    expect(
      logEvent('view', { ringId: { rep: 1, seq: 8 }, members: [1, 2], order: 5n, level: 'x' }),
    ).toEqual({
      level: 'info',
      event: 'view',
      detail: { ring: '1.8', members: [1, 2], order: '5', level_: 'x' },
    });
    expect(logEvent('something-new')).toEqual({
      level: 'debug',
      event: 'something-new',
      detail: {},
    });
    expect(logEvent('x', { deep: { error: new Error('why') } }).detail).toEqual({
      deep: { error: 'why' },
    });
  });
});

describe('the human form', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-11-21T10:20:30.456Z',
    node: 1,
    event: 'token-loss',
    members: [1, 2],
    text: 'two words',
    nested: { a: 1 },
  });

  test('is one line with time, level, event and details', () => {
    expect(humanLine(line, false)).toBe(
      '10:20:30.456 WARN  token-loss members=1,2 text="two words" nested={"a":1}',
    );
    expect(humanLine(line, true)).toContain('\u001b[33mWARN  token-loss\u001b[0m');
  });

  test('leaves alone what is no JSON', () => {
    expect(humanLine('plain', true)).toBe('plain');
  });
});
