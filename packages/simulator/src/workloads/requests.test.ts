import { SA_AIS_ERR_LIBRARY, SA_AIS_OK } from '@aisexec/ais';
import { defineService, execHandler, libHandler, s } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import { fullNodeFactory } from '../processes/full-node.ts';
import { runSimulation } from '../run.ts';
import { requestWorkload } from './requests.ts';

describe('a client that asks at random', () => {
  test('reports a service that answers LIBRARY', () => {
    const service = toy((_count, reply) => reply(SA_AIS_ERR_LIBRARY));
    expect(violations(service)).toContain('W1');
  });

  test('finds replicas that count differently', () => {
    let calls = 0;
    const service = toy((state, reply) => {
      calls++;
      state.count += calls % 2;
      reply(SA_AIS_OK);
    });
    expect(violations(service)).toContain('R1');
  });

  test('has nothing to say of a service that is right', () => {
    const service = toy((state, reply) => {
      state.count++;
      reply(SA_AIS_OK);
    });
    expect(violations(service)).toEqual([]);
  });
});

interface Counted {
  count: number;
}
type Apply = (state: Counted, reply: (rc: 1 | 2) => void) => void;

/** A service with one ordered request. */
function toy(apply: Apply) {
  return defineService<Counted>({
    id: 9,
    name: 'toy',
    versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
    init: () => ({ count: 0 }),
    lib: {
      add: libHandler<Counted, undefined>({
        request: s.nothing,
        flow: 'ordered',
        handle(_state, _request, ctx) {
          ctx.multicast('add', {});
          return undefined;
        },
      }),
    },
    exec: {
      add: execHandler<Counted, object>({
        message: s.object({}),
        apply: (state, _message, source, ctx) => apply(state, (rc) => ctx.reply(source, { rc })),
      }),
    },
    sync: {
      chunk: s.count,
      *save(state) {
        yield state.count;
      },
      load(state, count) {
        state.count = count;
      },
      merge: (parts) => ({ count: Math.max(...parts.map(({ state }) => state.count)) }),
    },
    inspect: (state) => state.count,
  });
}

function violations(service: ReturnType<typeof toy>): string[] {
  const workload = requestWorkload({
    service,
    kinds: [{ weight: 1, fn: 'add', argument: () => undefined }],
  });
  const { violations: found } = runSimulation(
    { seed: 7, nodes: 3, seconds: 5, faults: true, stack: 'full' },
    ({ settings, load }) =>
      fullNodeFactory({
        ...{ createRing, settings, load },
        workloads: [workload],
        quorum: { provider: 'none' },
      }),
  );
  return [...new Set(found.map(({ property }) => property))];
}
