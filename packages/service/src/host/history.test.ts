import { expect, test } from '@jest/globals';
import type { View } from '../contract.ts';
import { History } from './history.ts';

const view: View = {
  ringId: { rep: 1, seq: 8 },
  members: [],
  joined: [],
  left: [],
  quorate: true,
};

function after(...sources: number[]): History {
  const history = new History(1);
  history.begin(view, { order: 100n, pristine: true, primary: 0, lineages: 0, past: [] });
  for (const source of sources) history.count(source, 10);
  return history;
}

test('a node without a view has no history', () => {
  expect(new History(1).lineage).toBeNull();
});

test('equal histories have equal lineages', () => {
  expect(after(1, 2).lineage).toEqual(after(1, 2).lineage);
});

test('histories of one ring and one length differ when another sender’s message was lost', () => {
  expect(after(1, 2).lineage?.events).toBe(after(1, 3).lineage?.events);
  expect(after(1, 2).lineage?.digest).not.toBe(after(1, 3).lineage?.digest);
});

test('a history is pristine until its first event, and never again', () => {
  expect(after().lineage?.pristine).toBe(true);
  const history = after(1);
  expect(history.lineage?.pristine).toBe(false);
  history.begin(view, { order: 200n, pristine: false, primary: 8, lineages: 1, past: [] });
  expect(history.lineage).toMatchObject({ pristine: false, events: 0 });
});

test('a history remembers its last quorate ring through views without quorum', () => {
  const history = after(1);
  expect(history.lineage?.primary).toBe(8);
  const alone = { ...view, ringId: { rep: 1, seq: 12 }, quorate: false };
  history.begin(alone, { order: 200n, pristine: false, primary: 8, lineages: 1, past: [] });
  expect(history.lineage).toMatchObject({ ringId: { seq: 12 }, primary: 8 });
});

test('a view takes a place in the order, events the next ones', () => {
  expect([after().order, after(1).order, after(1, 1).order]).toEqual([100n, 101n, 102n]);
});

test.each([
  ['alone', { joined: [1], lineages: 0, pristine: true }, false],
  ['among others as fresh as it', { joined: [1, 2], lineages: 0, pristine: true }, false],
  ['with others where nothing has happened', { joined: [2], lineages: 2, pristine: true }, false],
  ['fresh, with another history', { joined: [1], lineages: 1, pristine: false }, true],
  ['with fresh others', { joined: [2], lineages: 1, pristine: false }, false],
  ['with another history that lost', { joined: [2], lineages: 2, pristine: false }, true],
])('has a node met others’ history: %s', (_, { joined, ...plan }, met) => {
  const history = new History(1);
  history.begin({ ...view, joined }, { order: 100n, primary: 0, past: [], ...plan });
  expect(history.hasMet).toBe(met);
  history.begin(view, { order: 200n, primary: 0, past: [], lineages: 1, pristine: false });
  expect(history.hasMet).toBe(met);
});
