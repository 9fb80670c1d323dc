import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Koffi } from './native.ts';
import { watchReadable } from './poll.ts';

/** koffi with a poll whose events the test makes, outside of any turn of Node's own. */
function fakeKoffi() {
  let happen: (status: number, events: unknown) => void = () => {};
  const handle = { close() {} };
  const koffi = {
    node: {
      poll(_fd: number, _options: unknown, callback: typeof happen) {
        happen = callback;
        return handle;
      },
    },
  } as unknown as Koffi;
  return { koffi, handle, happen: (status: number) => happen(status, {}) };
}

describe('watching a descriptor', () => {
  let turns: (() => void)[];
  beforeEach(() => {
    turns = [];
    jest.spyOn(globalThis, 'setImmediate').mockImplementation(((turn: () => void) => {
      turns.push(turn);
    }) as unknown as typeof setImmediate);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('hands on the status, and has one turn of Node follow all events of a round', () => {
    const { koffi, handle, happen } = fakeKoffi();
    const statuses: number[] = [];
    expect(watchReadable(koffi, 7, (status) => statuses.push(status))).toBe(handle);
    happen(0);
    happen(-9);
    expect(statuses).toEqual([0, -9]);
    expect(turns).toHaveLength(1);
    turns[0]!();
    happen(0);
    expect(turns).toHaveLength(2);
  });

  test('what is thrown is thrown again in a turn of Node, where it ends the process', () => {
    const { koffi, happen } = fakeKoffi();
    watchReadable(koffi, 7, () => {
      throw new Error('no epoch left');
    });
    expect(() => happen(0)).not.toThrow();
    expect(() => turns[0]!()).toThrow('no epoch left');
  });
});
