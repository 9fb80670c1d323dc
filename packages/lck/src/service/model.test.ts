/**
 * The lock table against a naive model that keeps one list of locks per resource and re-reads the
 * rules of AIS B.1 word by word, under random commands from several clients, views and crashes.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SA_LCK_LOCK_GRANTED, type SaLckLockModeT } from '../protocol.ts';
import { checkTable } from './check-table.ts';
import { createHarness, EX, type Harness, PR, transfer, viewOf } from './harness.fixture.ts';

const NODES = [1, 2, 3];
const NAMES = ['x', 'y'];

interface ModelLock {
  readonly client: number;
  readonly id: bigint;
  readonly name: string;
  readonly mode: SaLckLockModeT;
  readonly request: number;
  held: boolean;
}

interface Model {
  quorate: boolean;
  locks: ModelLock[];
  nextId: bigint;
  lastToken: Map<string, bigint>;
}

/** Rule 7, read aloud: free goes to the oldest writer, else all readers unless a writer holds. */
function modelGrants(model: Model, name: string): void {
  if (!model.quorate) return;
  const held = () => model.locks.filter((lock) => lock.name === name && lock.held);
  const waiting = () => model.locks.filter((lock) => lock.name === name && !lock.held);
  if (held().length === 0) {
    const writer = waiting().find((lock) => lock.mode === EX);
    if (writer !== undefined) writer.held = true;
  }
  if (!held().some((lock) => lock.mode === EX)) {
    for (const lock of waiting()) if (lock.mode === PR) lock.held = true;
  }
}

const ref = (client: number) => ({ node: client, connection: 1 });
const handleOf = (name: string) => BigInt(NAMES.indexOf(name) + 1);

function openAll(h: Harness, client: number): void {
  for (const name of NAMES) h.open(ref(client), handleOf(name), name);
}

function compare(model: Model, h: Harness): void {
  expect(checkTable(h.state)).toEqual([]);
  for (const lock of model.locks) {
    expect([lock.id, h.status(lock.request) === SA_LCK_LOCK_GRANTED]).toEqual([lock.id, lock.held]);
  }
  expect(h.state.lockCount).toBe(model.locks.length);
  // Any node that joins now gets exactly this table, order and all.
  const copy = transfer(h.state);
  expect(copy).toEqual(h.state);
  expect([...copy.clients.keys()]).toEqual([...h.state.clients.keys()]);
}

function checkTokens(model: Model, h: Harness, before: ReadonlySet<bigint>): void {
  for (const lock of model.locks) {
    if (!lock.held || before.has(lock.id)) continue;
    const last = model.lastToken.get(lock.name) ?? 0n;
    const token = h.token(lock.request);
    if (lock.mode === EX) expect(token).toBeGreaterThan(last);
    else expect(token).toBeGreaterThanOrEqual(last);
    model.lastToken.set(lock.name, token);
  }
}

type Step =
  | { readonly kind: 'lock'; client: number; name: string; mode: SaLckLockModeT }
  | { readonly kind: 'unlock'; pick: number }
  | { readonly kind: 'crash'; client: number }
  | { readonly kind: 'quorum'; on: boolean }
  | { readonly kind: 'leave'; node: number }
  | { readonly kind: 'transfer' };

const client = fc.constantFrom(...NODES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('lock' as const),
      client,
      name: fc.constantFrom(...NAMES),
      mode: fc.constantFrom(PR, EX),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('unlock' as const), pick: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('quorum' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), node: client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('transfer' as const) }) },
);

function dropClients(model: Model, gone: number): void {
  model.locks = model.locks.filter((lock) => lock.client !== gone);
  for (const name of NAMES) modelGrants(model, name);
}

function apply(model: Model, h: Harness, action: Step): void {
  if (action.kind === 'lock') {
    const id = model.nextId++;
    const { client: owner, name, mode } = action;
    const request = h.lock(ref(owner), handleOf(name), id, mode, { detect: false });
    model.locks.push({ client: owner, id, name, mode, request, held: false });
    const others = model.locks.filter((lock) => lock.name === name && lock.held);
    const free = others.every((lock) => lock.mode === PR && mode === PR);
    if (free && model.quorate) (model.locks.at(-1) as ModelLock).held = true;
  } else if (action.kind === 'unlock') {
    const lock = model.locks[action.pick % Math.max(1, model.locks.length)];
    if (lock === undefined) return;
    h.unlock(ref(lock.client), lock.id);
    model.locks.splice(model.locks.indexOf(lock), 1);
    modelGrants(model, lock.name);
  } else if (action.kind === 'crash') {
    h.clientGone(ref(action.client));
    dropClients(model, action.client);
    openAll(h, action.client);
  } else if (action.kind === 'quorum') {
    model.quorate = action.on;
    h.setView(viewOf(NODES, action.on));
    for (const name of NAMES) modelGrants(model, name);
  } else if (action.kind === 'leave') {
    const rest = NODES.filter((node) => node !== action.node);
    h.setView(viewOf(rest, model.quorate, { left: [action.node] }));
    dropClients(model, action.node);
    h.setView(viewOf(NODES, model.quorate, { joined: [action.node] }));
    openAll(h, action.node);
  } else h.state = transfer(h.state);
}

describe('the lock table and a naive model', () => {
  test('agree on who holds what after every step, and tokens rise', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const h = createHarness(NODES);
        h.setView(viewOf(NODES, true));
        for (const node of NODES) openAll(h, node);
        const model: Model = { quorate: true, locks: [], nextId: 1n, lastToken: new Map() };
        for (const action of steps) {
          const before = new Set(model.locks.filter((lock) => lock.held).map((lock) => lock.id));
          apply(model, h, action);
          compare(model, h);
          checkTokens(model, h, before);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
