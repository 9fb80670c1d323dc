import { expect, test } from '@jest/globals';
import { REQUESTS_PER_TURN } from '../limits.ts';
import { Turns, type Waiting } from './turns.ts';

class Client implements Waiting {
  readonly #turns: Turns;
  served: number[] = [];
  left: number;

  constructor(turns: Turns, left: number) {
    this.#turns = turns;
    this.left = left;
  }

  /** Notes in which turn each request was served. */
  serve(): void {
    while (this.left > 0 && this.#turns.mayServe(this)) {
      this.left--;
      this.served.push(this.#turns.number);
    }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a client alone has the whole turn, and the next one for the rest', async () => {
  const turns = new Turns();
  const client = new Client(turns, REQUESTS_PER_TURN * 2 + 1);
  client.serve();
  expect(client.served).toHaveLength(REQUESTS_PER_TURN);
  await turn();
  await turn();
  expect(client.left).toBe(0);
  expect(client.served.at(-1)).toBe(2);
});

test('whoever asks for little is served at once, however many ask for much', async () => {
  const turns = new Turns();
  const greedy = Array.from({ length: 400 }, () => new Client(turns, 10_000));
  for (const client of greedy) client.serve();
  const atOnce = greedy.reduce((sum, { served }) => sum + served.length, 0);
  expect(atOnce).toBeLessThan(REQUESTS_PER_TURN * 10);
  const modest = new Client(turns, 1);
  modest.serve();
  expect(modest.left).toBe(0);
  await turn();
  modest.left = 1;
  modest.serve();
  expect(modest.left).toBe(0);
  // Shares are equal: in a turn each of the others got the same.
  const counts = greedy.map(({ served }) => served.filter((number) => number === 1).length);
  expect(new Set(counts)).toEqual(new Set([1]));
});

test('a client that is gone is not served, and stops nobody', async () => {
  const turns = new Turns();
  const [gone, stays] = [new Client(turns, 1_000), new Client(turns, 1_000)];
  gone.serve();
  stays.serve();
  gone.left = 0;
  turns.forget(gone);
  for (let i = 0; i < 10; i++) await turn();
  expect(stays.left).toBe(0);
  expect(gone.served.length).toBeLessThanOrEqual(REQUESTS_PER_TURN);
});
