/** Tally: polls in which everybody votes once, and whose result everybody learns when they close. */
import {
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import {
  definePlugin,
  defineService,
  execHandler,
  type Infer,
  libHandler,
  type Source,
  s,
} from '@aisexec/service';

const VOTES_MAX = 1000;
const WAITING_MAX = 1000;
const name = s.text(64);

interface Poll {
  readonly name: string;
  /** Nanoseconds since the Unix epoch. */
  readonly closesAt: bigint;
  /** By voter: what they chose. */
  readonly votes: Map<string, string>;
  /** Requests that are answered when the poll closes. */
  waiting: Source[];
}

export interface TallyState {
  readonly polls: Map<string, Poll>;
}

const openRequest = s.object({ poll: name, forMs: s.integer(1, 86_400_000) });
const openMessage = s.object({ poll: name, closesAt: s.u64 });
const voteRequest = s.object({ poll: name, voter: name, choice: name });
const pollRequest = s.object({ poll: name });

const lib = {
  open: libHandler({
    request: openRequest,
    flow: 'ordered',
    handle: (_state: TallyState, { poll, forMs }, ctx) => {
      ctx.multicast('open', { poll, closesAt: ctx.now + BigInt(forMs) * 1_000_000n });
      return undefined;
    },
  }),
  vote: libHandler({
    request: voteRequest,
    flow: 'ordered',
    handle: (_state: TallyState, request, ctx) => {
      ctx.multicast('vote', request);
      return undefined;
    },
  }),
  count: libHandler({
    request: pollRequest,
    flow: 'local',
    handle: (state: TallyState, { poll }) => {
      const found = state.polls.get(poll);
      return found === undefined
        ? { rc: SA_AIS_ERR_NOT_EXIST }
        : { rc: SA_AIS_OK, ...counted(found) };
    },
  }),
  result: libHandler({
    request: pollRequest,
    flow: 'ordered',
    handle: (_state: TallyState, request, ctx) => {
      ctx.multicast('result', request);
      return undefined;
    },
  }),
};

/** @param pollsMax open polls at a time; the same on every node, since handlers act on it. */
function execOf(pollsMax: number) {
  return {
    open: execHandler({
      message: openMessage,
      apply: (state: TallyState, { poll, closesAt }, source, ctx) => {
        if (state.polls.has(poll)) {
          ctx.reply(source, { rc: SA_AIS_ERR_EXIST });
        } else if (state.polls.size >= pollsMax) {
          ctx.reply(source, { rc: SA_AIS_ERR_NO_RESOURCES });
        } else {
          state.polls.set(poll, { name: poll, closesAt, votes: new Map(), waiting: [] });
          ctx.reply(source, { rc: SA_AIS_OK });
        }
      },
    }),
    vote: execHandler({
      message: voteRequest,
      apply: (state: TallyState, { poll, voter, choice }, source, ctx) => {
        const found = state.polls.get(poll);
        if (found === undefined) {
          ctx.reply(source, { rc: SA_AIS_ERR_NOT_EXIST });
        } else if (found.votes.has(voter)) {
          ctx.reply(source, { rc: SA_AIS_ERR_EXIST });
        } else if (found.votes.size >= VOTES_MAX) {
          ctx.reply(source, { rc: SA_AIS_ERR_NO_RESOURCES });
        } else {
          found.votes.set(voter, choice);
          ctx.reply(source, { rc: SA_AIS_OK });
        }
      },
    }),
    result: execHandler({
      message: pollRequest,
      apply: (state: TallyState, { poll }, source, ctx) => {
        const found = state.polls.get(poll);
        if (found === undefined) {
          ctx.reply(source, { rc: SA_AIS_ERR_NOT_EXIST });
        } else if (found.waiting.length >= WAITING_MAX) {
          ctx.reply(source, { rc: SA_AIS_ERR_NO_RESOURCES });
        } else {
          found.waiting.push(source);
        }
      },
    }),
  };
}

function counted(poll: Poll): { readonly counts: Record<string, number> } {
  const counts = new Map<string, number>();
  for (const choice of poll.votes.values()) counts.set(choice, (counts.get(choice) ?? 0) + 1);
  return { counts: Object.fromEntries(counts) };
}

/** Nobody can answer a client that is gone. */
function stripWaiting(state: TallyState, isGone: (source: Source) => boolean): void {
  for (const poll of state.polls.values()) {
    poll.waiting = poll.waiting.filter((source) => !isGone(source));
  }
}

const chunk = s.object({
  name,
  closesAt: s.u64,
  votes: s.list(s.list(name, 2), VOTES_MAX),
  waiting: s.list(s.object({ node: s.u32, connection: s.u32, request: s.count }), WAITING_MAX),
});

export function createTallyService(pollsMax = 100) {
  return defineService<TallyState>({
    id: 50,
    name: 'tally',
    versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
    init: () => ({ polls: new Map() }),
    lib,
    exec: execOf(pollsMax),

    clientGone: (state, { node, connection }) =>
      stripWaiting(state, (one) => one.node === node && one.connection === connection),
    confchg: (state, { left }) => stripWaiting(state, ({ node }) => left.includes(node)),

    deadline: (state) => {
      let earliest: bigint | null = null;
      for (const { closesAt } of state.polls.values()) {
        if (earliest === null || closesAt < earliest) earliest = closesAt;
      }
      return earliest;
    },
    expire: (state, ctx) => {
      for (const poll of state.polls.values()) {
        if (poll.closesAt > ctx.time) continue;
        state.polls.delete(poll.name);
        for (const source of poll.waiting) ctx.reply(source, { rc: SA_AIS_OK, ...counted(poll) });
      }
    },

    sync: {
      chunk,
      *save(state) {
        for (const { name, closesAt, votes, waiting } of state.polls.values()) {
          yield { name, closesAt, votes: [...votes], waiting };
        }
      },
      load: (state, { name, closesAt, votes, waiting }: Infer<typeof chunk>) => {
        const pairs = votes.map(([voter, choice]) => [voter ?? '', choice ?? ''] as const);
        state.polls.set(name, { name, closesAt, votes: new Map(pairs), waiting: [...waiting] });
      },
      merge: (parts) => {
        const merged: TallyState = { polls: new Map() };
        for (const { state, members } of parts) {
          for (const poll of state.polls.values()) {
            const mine = poll.waiting.filter(({ node }) => members.includes(node));
            const other = merged.polls.get(poll.name);
            if (other === undefined) {
              merged.polls.set(poll.name, { ...poll, votes: new Map(poll.votes), waiting: mine });
              continue;
            }
            for (const [voter, choice] of poll.votes) {
              if (!other.votes.has(voter) && other.votes.size < VOTES_MAX)
                other.votes.set(voter, choice);
            }
            other.waiting = [...other.waiting, ...mine].slice(0, WAITING_MAX);
          }
        }
        return merged;
      },
    },

    inspect: (state) =>
      [...state.polls.values()].map((poll) => ({ name: poll.name, ...counted(poll) })),
  });
}

export const plugin = definePlugin({
  api: 1,
  config: s.object({ polls: s.optional(s.integer(1, 10_000)) }),
  create: ({ polls }) => createTallyService(polls ?? 100),
});
