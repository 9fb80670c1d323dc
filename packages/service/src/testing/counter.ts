/**
 * The smallest service that shows every part of the contract: counters with a value, an owner and an
 * end. It is the example of the README and the subject of this package's tests.
 */
import { SA_AIS_ERR_NOT_EXIST, SA_AIS_OK } from '@aisexec/ais';
import { type ClientRef, defineService, execHandler, libHandler } from '../contract.ts';
import { type Infer, s } from '../schema.ts';

const nameSchema = s.text(64);
const refSchema = s.object({ node: s.u32, connection: s.u32 });
const addSchema = s.object({ name: nameSchema, amount: s.u32 });
const watchSchema = s.object({ name: nameSchema, forNs: s.optional(s.u64) });
const getSchema = s.object({ name: nameSchema });
const addMessage = s.object({ name: nameSchema, amount: s.u32 });
const watchMessage = s.object({ name: nameSchema, until: s.nullable(s.u64) });
const chunkSchema = s.object({
  name: nameSchema,
  value: s.u64,
  changed: s.u64,
  watchers: s.list(s.object({ client: refSchema, until: s.nullable(s.u64) }), 10_000),
});
const U64_MAX = 0xffff_ffff_ffff_ffffn;
type Chunk = Infer<typeof chunkSchema>;

interface Watcher {
  readonly client: ClientRef;
  /** ns; null: as long as the client lives. */
  readonly until: bigint | null;
}

interface Counter {
  readonly name: string;
  value: bigint;
  /** Place in the order of the last change. */
  changed: bigint;
  watchers: Watcher[];
}

export interface CounterState {
  readonly counters: Map<string, Counter>;
}

export const counterService = defineService<CounterState>({
  id: 60,
  name: 'counter',
  versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
  init: () => ({ counters: new Map() }),

  lib: {
    add: libHandler({
      request: addSchema,
      flow: 'ordered',
      handle: (_state: CounterState, { name, amount }, ctx) => {
        ctx.multicast('add', { name, amount });
        return undefined;
      },
    }),
    watch: libHandler({
      request: watchSchema,
      flow: 'ordered',
      handle: (_state: CounterState, { name, forNs }, ctx) => {
        // `== null`: what was optional and absent may come back from the wire as null.
        ctx.multicast('watch', { name, until: forNs == null ? null : endOf(ctx.now, forNs) });
        return undefined;
      },
    }),
    get: libHandler({
      request: getSchema,
      flow: 'local',
      handle: (state: CounterState, { name }) => {
        const counter = state.counters.get(name);
        return counter === undefined
          ? { rc: SA_AIS_ERR_NOT_EXIST }
          : { rc: SA_AIS_OK, value: counter.value };
      },
    }),
  },

  exec: {
    add: execHandler({
      message: addMessage,
      apply: (state: CounterState, { name, amount }, source, ctx) => {
        const counter = obtain(state, name);
        counter.value = BigInt.asUintN(64, counter.value + BigInt(amount));
        counter.changed = ctx.order;
        ctx.reply(source, { rc: SA_AIS_OK, value: counter.value, order: ctx.order });
        for (const { client } of counter.watchers) {
          ctx.callback(client, 'changed', { name, value: counter.value });
        }
      },
    }),
    watch: execHandler({
      message: watchMessage,
      apply: (state: CounterState, { name, until }, { node, connection, request }, ctx) => {
        const counter = obtain(state, name);
        const client: ClientRef = { node, connection };
        counter.watchers = [
          ...counter.watchers.filter((one) => !isOf(one, client)),
          { client, until },
        ];
        ctx.reply({ node, connection, request }, { rc: SA_AIS_OK });
      },
    }),
  },

  clientGone: (state, client) => dropWatchers(state, (watcher) => isOf(watcher, client)),

  confchg: (state, { left }) => dropWatchers(state, ({ client }) => left.includes(client.node)),

  deadline: (state) => {
    let earliest: bigint | null = null;
    for (const { until } of watchersOf(state)) {
      if (until !== null && (earliest === null || until < earliest)) earliest = until;
    }
    return earliest;
  },

  expire: (state, ctx) => {
    const isDue = ({ until }: Watcher) => until !== null && until <= ctx.time;
    for (const watcher of watchersOf(state)) {
      if (isDue(watcher)) ctx.callback(watcher.client, 'expired', {});
    }
    dropWatchers(state, isDue);
  },

  replaced: (before, after, ctx) => {
    for (const { name, value, watchers } of before.counters.values()) {
      const now = after.counters.get(name)?.value;
      if (now === value) continue;
      for (const { client } of watchers) ctx.callback(client, 'changed', { name, value: now });
    }
  },

  sync: {
    chunk: chunkSchema,
    save: (state) => state.counters.values(),
    load: (state, chunk: Chunk) => {
      state.counters.set(chunk.name, { ...chunk });
    },
    // The winner's values; of every history the watchers of its own nodes, who alone are sure to live.
    merge: (parts) => {
      const merged: CounterState = { counters: new Map() };
      for (const { state, members } of parts) {
        for (const counter of state.counters.values()) {
          const target = merged.counters.get(counter.name) ?? { ...counter, watchers: [] };
          const alive = counter.watchers.filter(({ client }) => members.includes(client.node));
          target.watchers = [...target.watchers, ...alive];
          merged.counters.set(counter.name, target);
        }
      }
      return merged;
    },
  },

  inspect: (state) =>
    [...state.counters.values()].map(({ name, value, watchers }) => ({
      name,
      value: value.toString(),
      watchers: watchers.length,
    })),
});

function obtain(state: CounterState, name: string): Counter {
  const existing = state.counters.get(name);
  if (existing !== undefined) return existing;
  const created: Counter = { name, value: 0n, changed: 0n, watchers: [] };
  state.counters.set(name, created);
  return created;
}

function* watchersOf(state: CounterState): Iterable<Watcher> {
  for (const counter of state.counters.values()) yield* counter.watchers;
}

/** What is too far away for 64 bit ends with them: a message that does not fit would stop the service. */
function endOf(now: bigint, forNs: bigint): bigint {
  const end = now + forNs;
  return end > U64_MAX ? U64_MAX : end;
}

function dropWatchers(state: CounterState, isDropped: (watcher: Watcher) => boolean): void {
  for (const counter of state.counters.values()) {
    counter.watchers = counter.watchers.filter((watcher) => !isDropped(watcher));
  }
}

function isOf({ client }: Watcher, other: ClientRef): boolean {
  return client.node === other.node && client.connection === other.connection;
}
