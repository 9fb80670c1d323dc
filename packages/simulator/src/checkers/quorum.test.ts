/** E12 bites: hand-made components, clean ones and wrong ones. */
import { expect, test } from '@jest/globals';
import { createQuorumChecker } from './quorum.ts';
import { createViolationLog } from './violation.ts';

type Said = readonly [node: number, seq: number, members: readonly number[], quorate: boolean];

function judge(...said: readonly Said[]): string[] {
  const log = createViolationLog();
  const checker = createQuorumChecker(log);
  for (const [node, seq, members, quorate] of said) {
    const ringId = { rep: members[0]!, seq };
    checker.record({ kind: 'quorum', time: seq, node, incarnation: 1, ringId, members, quorate });
  }
  return log.list.map(({ property, node, ring }) => `${property} ${node} ${ring}`);
}

test('quorate rings that share a member one after the other are fine, whatever lies between them', () => {
  const story: Said[] = [
    [1, 4, [1, 2, 3], true],
    [2, 4, [1, 2, 3], true],
    [3, 8, [3], false],
    [1, 8, [1, 2], true],
    [3, 12, [2, 3], true],
  ];
  expect(judge(...story)).toEqual([]);
});

test('two quorate rings without a common member are told, in whichever order they are heard of', () => {
  expect(judge([1, 4, [1, 2], true], [3, 8, [3, 4], true])).toEqual(['E12 3 3.8']);
  expect(judge([3, 8, [3, 4], true], [1, 4, [1, 2], true])).toEqual(['E12 1 1.4']);
});

test('two quorate rings of the same sequence are told', () => {
  expect(judge([1, 4, [1], true], [2, 4, [2], true])).toEqual(['E12 2 2.4']);
});

test('two members of one ring that disagree are told', () => {
  expect(judge([1, 4, [1, 2, 3], true], [2, 4, [1, 2, 3], false])).toEqual(['E12 2 1.4']);
});
