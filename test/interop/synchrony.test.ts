/** The check of virtual synchrony can fail, and excuses no more than it says. */
import { describe, expect, test } from '@jest/globals';
import { checkSynchrony, type History, type Listed } from './synchrony.ts';

const CUT = ['3:1', '3:2'];
const REST = ['1:1', '3:3', '2:1'];

describe('virtual synchrony', () => {
  test('holds where processes that went together delivered the same', () => {
    const histories = [history(1, 'a', REST), history(2, 'a', REST), history(3, 'a', REST)];
    expect(checkSynchrony(histories, [1, 3])).toEqual({ pairs: 6, excused: 0 });
  });

  test('excuses the beginning of what a daemon sent that came from another ring', () => {
    const histories = [
      history(1, 'a', REST),
      history(2, 'a', REST),
      history(3, 'b', [...CUT, ...REST]),
    ];
    expect(checkSynchrony(histories, [1, 3])).toEqual({ pairs: 4, excused: 4 });
  });

  test.each<[string, readonly History[], readonly number[]]>([
    ['a message is missing', [history(1, 'a', REST), history(2, 'a', REST.slice(1))], [1]],
    ['the order differs', [history(1, 'a', REST), history(2, 'a', [...REST].reverse())], [1]],
    ['the sender is ours', [history(1, 'a', REST), history(3, 'b', [...CUT, ...REST])], [1]],
    ['the sender came along', [history(1, 'a', REST), history(3, 'a', [...CUT, ...REST])], [1, 3]],
    [
      'not the beginning is missing',
      [history(1, 'a', CUT), history(3, 'b', ['3:2', '3:1'])],
      [1, 3],
    ],
  ])('does not hold where %s', (_, histories, corosyncs) => {
    expect(() => checkSynchrony(histories, corosyncs)).toThrow(/differ/);
  });
});

/** From ring `from` to ring r, where it delivers these, and on to ring s. */
function history(node: number, from: string, messages: readonly string[]): History {
  const listed = messages.map((text): Listed => {
    const [sender, digest] = text.split(':');
    return { node: Number(sender), digest: digest! };
  });
  return {
    node,
    segments: [
      { from: undefined, to: from, messages: [] },
      { from, to: 'r', messages: [] },
      { from: 'r', to: 's', messages: listed },
    ],
  };
}
