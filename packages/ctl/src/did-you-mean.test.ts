import { describe, expect, test } from '@jest/globals';
import { nearest } from './did-you-mean.ts';

describe('the word that was meant', () => {
  const commands = ['status', 'members', 'quorum', 'locks', 'lock', 'ls', 'rm'];

  test('a letter too many, too few, wrong, or two swapped', () => {
    expect(nearest('statuss', commands)).toBe('status');
    expect(nearest('memers', commands)).toBe('members');
    expect(nearest('quorun', commands)).toBe('quorum');
    expect(nearest('statsu', commands)).toBe('status');
    expect(nearest('lcoks', commands)).toBe('locks');
  });

  test('the nearest one, not the first one', () => {
    expect(nearest('lokc', commands)).toBe('lock');
    expect(nearest('lockz', commands)).toBe('locks');
  });

  test('nothing for a word that is far from all', () => {
    expect(nearest('frobnicate', commands)).toBeUndefined();
    expect(nearest('xy', commands)).toBeUndefined();
    expect(nearest('anything', [])).toBeUndefined();
  });
});
