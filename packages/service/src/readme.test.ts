import { SA_AIS_OK } from '@aisexec/ais';
import { expect, test } from '@jest/globals';
import { defineService, execHandler, libHandler, s } from './index.ts';
import { checkService, createTestCluster } from './testing/index.ts';

// The service of the README, word for word.
interface Tally {
  readonly votes: Map<string, number>;
}
const vote = s.object({ for: s.text(64) });

const tallyService = defineService<Tally>({
  id: 50,
  name: 'tally',
  versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
  init: () => ({ votes: new Map() }),
  lib: {
    vote: libHandler({
      request: vote,
      flow: 'ordered',
      handle: (_state: Tally, request, ctx) => {
        ctx.multicast('vote', { for: request.for });
        return undefined;
      },
    }),
    count: libHandler({
      request: vote,
      flow: 'local',
      handle: (state: Tally, request) => ({
        rc: SA_AIS_OK,
        count: state.votes.get(request.for) ?? 0,
      }),
    }),
  },
  exec: {
    vote: execHandler({
      message: vote,
      apply: (state: Tally, message, source, ctx) => {
        state.votes.set(message.for, (state.votes.get(message.for) ?? 0) + 1);
        ctx.reply(source, { rc: SA_AIS_OK });
      },
    }),
  },
  sync: {
    chunk: s.object({ for: s.text(64), count: s.u32 }),
    *save(state) {
      for (const [name, count] of state.votes) yield { for: name, count };
    },
    load: (state, chunk: { for: string; count: number }) => {
      state.votes.set(chunk.for, chunk.count);
    },
    merge: (parts) => parts[0]!.state,
  },
  inspect: (state) => Object.fromEntries(state.votes),
});

test('the example of the README runs and passes the compliance suite', () => {
  const cluster = createTestCluster({ nodes: 3, services: [tallyService], seed: 1 });
  expect(cluster.client(1, 'tally').request('vote', { for: 'x' })).toEqual({ rc: 1 });
  cluster.split([[1, 2], [3]]);
  cluster.heal();
  expect(cluster.hashes('tally')).toHaveLength(1);
  expect(cluster.client(3, 'tally').request('count', { for: 'x' })).toMatchObject({ count: 1 });
  const steps = [0, 1, 2].map((client) => ({ client, fn: 'vote', argument: { for: 'x' } }));
  expect(checkService(tallyService, { steps })).toEqual([]);
});
