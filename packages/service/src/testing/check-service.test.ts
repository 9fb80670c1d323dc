import { SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { defineNodeService, type LibContext, type ServiceDefinition } from '../contract.ts';
import { s } from '../schema.ts';
import { type CounterState, checkService, counterService, type WorkloadStep } from './index.ts';

const steps: WorkloadStep[] = [
  { client: 0, fn: 'watch', argument: { name: 'a', forNs: 5_000_000n } },
  { client: 1, fn: 'watch', argument: { name: 'a' } },
  { client: 2, fn: 'add', argument: { name: 'a', amount: 3 } },
  { client: 0, fn: 'add', argument: { name: 'b', amount: 1 } },
  { advanceMs: 10 },
  { client: 3, fn: 'watch', argument: { name: 'b', forNs: 60_000_000_000n } },
  { client: 3, fn: 'add', argument: { name: 'c', amount: 9 } },
  { client: 1, close: true },
  { client: 1, fn: 'add', argument: { name: 'a', amount: 4 } },
];

function faultsOf(change: Partial<ServiceDefinition<CounterState>>): string {
  return checkService({ ...counterService, ...change }, { steps }).join('\n');
}

describe('the compliance suite', () => {
  test('finds nothing wrong with the counter', () => {
    expect(checkService(counterService, { steps, seed: 5 })).toEqual([]);
  });

  test('finds a save that forgets something', () => {
    const sync = {
      ...counterService.sync,
      *save(state: CounterState) {
        for (const counter of state.counters.values()) yield { ...counter, watchers: [] };
      },
    };
    expect(faultsOf({ sync })).toMatch(/save and load give another state/);
  });

  test('finds a load that changes the order of a Map', () => {
    const save = (state: CounterState) => [...state.counters.values()].reverse();
    expect(faultsOf({ sync: { ...counterService.sync, save } })).toMatch(/save and load/);
  });

  test('finds an exec handler that throws at rubbish', () => {
    const add = {
      ...counterService.exec['add']!,
      apply: (state: CounterState, { name, amount }: { name: string; amount: number }) => {
        if (amount > 1000) throw new Error('too much');
        state.counters.set(name, { name, value: BigInt(amount), changed: 0n, watchers: [] });
      },
    };
    expect(faultsOf({ exec: { ...counterService.exec, add } })).toMatch(/add threw/);
  });

  test('finds a handler that reads what differs between replicas', () => {
    let calls = 0;
    const add = {
      ...counterService.exec['add']!,
      apply: (state: CounterState, { name }: { name: string }) => {
        state.counters.set(name, { name, value: BigInt(calls++), changed: 0n, watchers: [] });
      },
    };
    expect(faultsOf({ exec: { ...counterService.exec, add } })).toMatch(/replicas differ/);
  });

  test('finds an expire that does nothing', () => {
    expect(faultsOf({ expire: () => {} })).toMatch(/expire left its own deadline/);
  });

  test('finds clients of a node that left', () => {
    expect(faultsOf({ confchg: () => {} })).toMatch(/still knows a client/);
  });

  test('finds a merge that is no function of its parts', () => {
    let merges = 0;
    const merge = (parts: readonly { readonly state: CounterState }[]) => {
      const [first] = parts;
      for (const counter of first!.state.counters.values()) counter.value = BigInt(merges++);
      return first!.state;
    };
    expect(faultsOf({ sync: { ...counterService.sync, merge } })).toMatch(/merg/);
  });

  test('finds a handler that reads the clock, or draws a random number', () => {
    const add = (look: () => number) => ({
      ...counterService.exec['add']!,
      apply: (state: CounterState, { name }: { name: string }) => {
        state.counters.set(name, { name, value: BigInt(look() * 0), changed: 0n, watchers: [] });
      },
    });
    const exec = (look: () => number) => ({ exec: { ...counterService.exec, add: add(look) } });
    expect(faultsOf(exec(() => Date.now()))).toMatch(/exec add uses Date\.now/);
    expect(faultsOf(exec(() => new Date().getDay()))).toMatch(/exec add uses new Date/);
    expect(faultsOf(exec(() => Math.random()))).toMatch(/exec add uses Math\.random/);
    expect(faultsOf(exec(() => performance.now()))).toMatch(/exec add uses performance\.now/);
    expect(faultsOf(exec(() => new Date(7).getTime()))).not.toMatch(/uses/);
  });

  test('finds a state that grows with every client', () => {
    const add = {
      ...counterService.exec['add']!,
      apply: (state: CounterState, _message: unknown, source: { connection: number }) => {
        const name = String(source.connection);
        state.counters.set(name, { name, value: 1n, changed: 0n, watchers: [] });
      },
    };
    expect(faultsOf({ exec: { ...counterService.exec, add } })).toMatch(/grows with every round/);
  });

  test('finds a result code that is none, and a library handler that throws', () => {
    const get = (handle: () => { rc: number }) => ({
      lib: { ...counterService.lib, add: { ...counterService.lib['add']!, handle } },
    });
    const odd = get(() => ({ rc: 77 })) as unknown as Partial<ServiceDefinition<CounterState>>;
    expect(faultsOf(odd)).toMatch(/add answers with 77/);
    const thrower = get(() => {
      throw new Error('not this one');
    }) as unknown as Partial<ServiceDefinition<CounterState>>;
    expect(faultsOf(thrower)).toMatch(/ended the service: lib add: not this one/);
  });

  test('finds a merge in which an empty history, or the order of the losers, makes a difference', () => {
    const last: ServiceDefinition<CounterState>['sync']['merge'] = (parts) => parts.at(-1)!.state;
    const faults = faultsOf({ sync: { ...counterService.sync, merge: last } });
    expect(faults).toMatch(/not commutative/);
    expect(faults).toMatch(/an empty history changes the state/);
  });

  test('finds a save that leaves its state in pieces when it is cut short', () => {
    const sync = {
      ...counterService.sync,
      *save(state: CounterState) {
        const all = [...state.counters];
        state.counters.clear();
        for (const [, counter] of all) yield counter;
        for (const [name, counter] of all) state.counters.set(name, counter);
      },
    };
    expect(faultsOf({ sync })).toMatch(/cut short after 1 of 3 chunks changes its state/);
  });

  test('finds timers that outlive their client, and ones that never come to an end', () => {
    const expiring = (change: Partial<ServiceDefinition<CounterState>>) => {
      const { id, name, versions, init, lib, inspect, sync } = counterService;
      const own = Object.entries(lib).map(([fn, handler]) => [
        fn,
        {
          ...{ ...handler, reply: undefined, flow: 'local' as const },
          handle: (state: CounterState, _request: unknown, { client, now }: LibContext) => {
            const changed = now + 1_000_000n;
            const key = `${client.connection}`;
            state.counters.set(key, { name: key, value: 1n, changed, watchers: [] });
            return { rc: SA_AIS_OK };
          },
        },
      ]);
      const definition = defineNodeService<CounterState>({
        ...{ id, name, versions, init, inspect, sync },
        lib: Object.fromEntries(own) as ServiceDefinition<CounterState>['lib'],
      });
      return checkService({ ...definition, ...change }, { steps }).join('\n');
    };
    const clientGone = (state: CounterState, { connection }: { readonly connection: number }) => {
      state.counters.delete(`${connection}`);
    };
    const deadline = (state: CounterState) => [...state.counters.values()][0]?.changed ?? null;
    const expire = (state: CounterState) => state.counters.clear();
    expect(expiring({ clientGone })).toBe('');
    expect(expiring({ clientGone, deadline, expire })).toBe('');
    expect(expiring({})).toMatch(/grows with every round/);
    expect(expiring({ clientGone, deadline, expire: () => {} })).toMatch(/left its own deadline/);
    expect(expiring({ clientGone, deadline })).toMatch(/come together or not at all/);
  });

  test('finds a reply that is not what its handler declares', () => {
    const add = { ...counterService.lib['add']!, reply: s.object({ value: s.text(5) }) };
    expect(faultsOf({ lib: { ...counterService.lib, add } })).toMatch(/not what its handler/);
  });

  test('finds a load that touches what it should not', () => {
    const shared = counterService.init();
    const init = () => shared;
    expect(faultsOf({ init })).not.toBe('');
  });
});
