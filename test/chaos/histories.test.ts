/** The checker of the chaos programs finds what it is there for. */
import { expect, test } from '@jest/globals';
// @ts-expect-error: a program's own module, without types
import { checkHistories } from './histories.mjs';

interface Grant {
  readonly node: number;
  readonly token: string;
  readonly from: number;
  readonly until: number;
}

const book = (received: string, published = '', grants: readonly Grant[] = []) => ({
  received: received.split(' '),
  published: published.split(' '),
  grants,
});
const found = (...args: readonly unknown[]) =>
  (checkHistories(...args) as readonly { readonly ok: boolean }[]).map(({ ok }) => ok);
const held = (from: number, until: number, token: string): Grant => ({
  node: 1,
  token,
  from,
  until,
});

test.each([
  ['one order', [book('1:1 2:1 1:2'), book('1:1 2:1 1:2')], [true, true]],
  ['a part of it', [book('2:1 1:2 1:3'), book('1:1 2:1 1:2')], [true, true]],
  ['a hole that was not acknowledged', [book('1:1 1:3')], [true, true]],
  ['a hole that was acknowledged', [book('1:1 1:3', '1:2')], [false, true]],
  ['a hole behind a loss', [book('1:1 lost 1:3', '1:2')], [true, true]],
  ['an event twice', [book('1:1 1:1')], [false, true]],
  ['an event that one of two missed', [book('3:1 2:1 2:2'), book('3:1 2:2')], [true, false]],
  ['… and nothing of its publisher after it', [book('3:1 2:1 3:2'), book('3:1 3:2')], [true, true]],
  [
    'the end of a ring as either side has it',
    [book('1:189 3:52 3:53 1:190 1:191'), book('1:189 3:52 2:196 3:53')],
    [true, true],
  ],
  ['what a node that was cut off had sent', [book('1:1 3:1'), book('1:1 2:1 3:2')], [true, true]],
  ['the same on both sides', [book('1:1 1:2'), book('1:1 2:1 1:2')], [true, true]],
  ['two orders', [book('3:1 4:1'), book('4:1 3:1')], [true, false]],
  [
    'a partition that both are told of',
    [book('1:1 2:1 lost 3:1'), book('1:1 3:0 lost 3:1')],
    [true, true],
  ],
])('%s', (_, books, expected) => {
  expect(found(books, [])).toEqual([...expected, true]);
});

test('two holders of a lock are found, unless the first one was struck', () => {
  const grants = [held(1, 10, '5'), held(8, 20, '6')];
  expect(found([book('1:1', '', grants)], [])).toEqual([true, true, false]);
  const strike = { node: 1, from: 5, until: Number.POSITIVE_INFINITY };
  expect(found([book('1:1', '', grants)], [strike])).toEqual([true, true, true]);
  expect(found([book('1:1', '', grants)], [{ ...strike, node: 2 }])).toEqual([true, true, false]);
});
