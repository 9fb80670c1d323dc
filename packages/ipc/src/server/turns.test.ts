import { expect, test } from '@jest/globals';
import { FLOOD_MS_MAX, FLOOD_REST_MS, REQUESTS_PER_SLICE, REQUESTS_PER_TURN } from '../limits.ts';
import { Turns, type Waiting } from './turns.ts';

class Client implements Waiting {
  readonly #turns: Turns;
  readonly sharer: unknown;
  served: number[] = [];
  left: number;

  constructor(turns: Turns, left: number, process?: number) {
    this.#turns = turns;
    this.left = left;
    this.sharer = process ?? this;
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

test('a process with many clients has the share of one, and they take turns of some requests each', async () => {
  const turns = new Turns();
  const many = Array.from({ length: 100 }, () => new Client(turns, 1_000, 1));
  const one = new Client(turns, 1_000, 2);
  for (const client of [...many, one]) client.serve();
  for (let i = 0; i < 3; i++) await turn();
  const inTurn = (number: number) =>
    many.map(({ served }) => served.filter((at) => at === number).length);
  for (const number of [1, 2, 3]) {
    const counts = inTurn(number).filter((count) => count > 0);
    expect(counts.reduce((a, b) => a + b)).toBe(REQUESTS_PER_TURN / 2);
    expect(counts).toEqual(counts.map(() => REQUESTS_PER_SLICE));
    expect(one.served.filter((at) => at === number)).toHaveLength(REQUESTS_PER_TURN / 2);
  }
  // Nobody again before all others.
  while (many.some(({ served }) => !served.some((at) => at > 0))) await turn();
  const later = many.map(({ served }) => served.filter((at) => at > 0).length);
  expect(Math.max(...later)).toBeLessThanOrEqual(2 * REQUESTS_PER_SLICE);
});

test('a flood leaves the thread alone for a moment now and then, and goes on', async () => {
  let now = 0;
  const turns = new Turns(() => now);
  const client = new Client(turns, Number.POSITIVE_INFINITY);
  client.serve();
  await turn();
  expect(turns.number).toBe(1);
  now += FLOOD_MS_MAX;
  await turn();
  // The turn that was under way was the last one without a rest.
  expect(turns.number).toBe(2);
  const begun = performance.now();
  while (turns.number === 2) await turn();
  expect(performance.now() - begun).toBeGreaterThan(FLOOD_REST_MS / 2);
  await turn();
  expect(turns.number).toBeGreaterThan(3);
  client.left = 0;
  await turn();
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
