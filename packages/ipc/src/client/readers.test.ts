import { describe, expect, test } from '@jest/globals';
import { DONE, Readers } from './readers.ts';

function stream(...items: number[]) {
  return { items, readers: new Readers<number>(() => items.shift()) };
}

describe('readers of a stream', () => {
  test('what is there is read at once, what comes goes to those who wait in their order', async () => {
    const { items, readers } = stream(1);
    const read = [readers.next(), readers.next(), readers.next()];
    items.push(2, 3, 4);
    readers.serve();
    expect((await Promise.all(read)).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(items).toEqual([4]);
  });

  test('an end is told to all who wait and to all who come, behind what is left', async () => {
    const waiting = stream();
    const read = [waiting.readers.next(), waiting.readers.next()];
    expect(waiting.readers.end()).toBe(true);
    expect(await Promise.all(read)).toEqual([DONE, DONE]);
    const left = stream(7);
    left.readers.end();
    expect(await left.readers.next()).toEqual({ done: false, value: 7 });
    expect(await left.readers.next()).toEqual(DONE);
  });

  test('an error is thrown once: by the first who waits', async () => {
    const { readers } = stream();
    const read = [readers.next(), readers.next()];
    readers.end(new Error('lost'));
    await expect(read[0]).rejects.toThrow('lost');
    expect(await read[1]).toEqual(DONE);
    expect(await readers.next()).toEqual(DONE);
  });

  test('an error is thrown once: by the next who comes, and a second end changes nothing', async () => {
    const { readers } = stream();
    readers.end(new Error('lost'));
    expect(readers.end(new Error('again'))).toBe(false);
    expect(readers.ended).toBe(true);
    await expect(readers.next()).rejects.toThrow('lost');
    expect(await readers.next()).toEqual(DONE);
  });
});
