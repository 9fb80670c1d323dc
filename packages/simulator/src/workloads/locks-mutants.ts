/**
 * Lock services with one planted bug each, to prove that the lock checkers bite. Each wraps the real service and
 * stays deterministic: its replicas agree with each other on what is wrong.
 */
import { lckService } from '@aisexec/lck/service';
import type { ExecContext } from '@aisexec/service';
import type { LockProperty } from '../checkers/locks.ts';

type Service = typeof lckService;

export interface LockMutant {
  readonly name: string;
  /** What is wrong, as a sentence. */
  readonly description: string;
  readonly caughtBy: readonly LockProperty[];
  readonly service: Service;
}

const PR = 1;
const NOT_QUEUED = 3;
const EVERY = 4n;

export const LOCK_MUTANTS: readonly LockMutant[] = [
  {
    name: 'grant-without-quorum',
    description: 'Every view is taken for quorate.',
    caughtBy: ['quorum', 'exclusion'],
    service: inContext((context) => ({
      ...plain(context),
      view: { ...context.view, quorate: true },
    })),
  },
  {
    name: 'writer-as-reader',
    description: 'An exclusive request is served as a shared one.',
    caughtBy: ['exclusion', 'token', 'linearizability'],
    service: withExec('lock', (apply) => (state, message, source, context) => {
      apply(state, { ...message, mode: PR }, source, context);
    }),
  },
  {
    name: 'silent-revocation',
    description: 'Holders are not told when they lose a lock.',
    caughtBy: ['exclusion'],
    service: inContext((context) => ({ ...plain(context), callback: () => undefined })),
  },
  {
    name: 'coarse-token',
    description: 'The token is the ring alone: all grants in one ring share it.',
    caughtBy: ['token', 'quorum'],
    service: inContext((context) => ({ ...plain(context), order: (context.order >> 32n) << 32n })),
  },
  {
    name: 'dead-clients-hold',
    description: 'The locks of a client that died are kept.',
    caughtBy: ['lost waiter'],
    service: { ...lckService, clientGone: () => undefined },
  },
  {
    name: 'dead-nodes-hold',
    description: 'The locks of nodes that left are kept.',
    caughtBy: ['lost waiter'],
    service: {
      ...lckService,
      confchg(state, view, context) {
        const gone = [...state.clients.values()].map(({ ref }) => ref.node);
        const absent = gone.filter((node) => view.members.every(({ nodeId }) => nodeId !== node));
        const like = view.members[0]!;
        const ghosts = absent.map((nodeId) => ({ ...like, nodeId }));
        const members = [...view.members, ...ghosts];
        lckService.confchg?.(state, { ...view, members, left: [] }, context);
      },
    },
  },
  {
    name: 'waiter-forgotten',
    description: 'Now and then an unlock drops the oldest waiting request of a resource.',
    caughtBy: ['lost waiter'],
    service: withExec('unlock', (apply) => (state, message, source, context) => {
      apply(state, message, source, context);
      if (context.order % EVERY !== 0n) return;
      for (const resource of state.resources.values()) {
        resource.waiting = new Map([...resource.waiting].slice(1));
      }
    }),
  },
  {
    name: 'unlock-too-much',
    description: 'Now and then an unlock frees every lock of the resource.',
    caughtBy: ['exclusion'],
    service: withExec('unlock', (apply) => (state, message, source, context) => {
      if (context.order % EVERY === 0n) {
        for (const resource of state.resources.values()) resource.granted = new Map();
      }
      apply(state, message, source, context);
    }),
  },
  {
    name: 'refused-for-nothing',
    description: 'Now and then a request that need not wait is told NOT_QUEUED.',
    caughtBy: ['linearizability'],
    service: withExec('lock', (apply) => (state, message, source, context) => {
      const noQueue = (message.flags & 1) !== 0 && context.view.quorate;
      if (noQueue && context.order % EVERY === 0n) {
        context.reply(source, { rc: 1, lockStatus: NOT_QUEUED });
      } else apply(state, message, source, context);
    }),
  },
  {
    name: 'silent-merge',
    description: 'When partitions meet, the losing side is not told that its locks are gone.',
    caughtBy: ['exclusion'],
    service: {
      ...lckService,
      replaced: () => undefined,
    },
  },
];

/** Handlers see a context that lies. */
function inContext(change: (context: ExecContext) => ExecContext): Service {
  const { exec, confchg, clientGone, replaced } = lckService;
  const handlers = Object.entries(exec).map(([name, handler]) => {
    const apply: typeof handler.apply = (state, message, source, context) =>
      handler.apply(state, message, source, change(context));
    return [name, { ...handler, apply }];
  });
  return {
    ...lckService,
    exec: Object.fromEntries(handlers),
    confchg(state, view, context) {
      const changed = change(context);
      confchg?.(state, { ...view, quorate: changed.view.quorate }, changed);
    },
    clientGone: (state, client, context) => clientGone?.(state, client, change(context)),
    replaced: (before, after, context) => replaced?.(before, after, change(context)),
  };
}

type Apply = Service['exec'][string]['apply'];

/** One handler is wrapped. */
function withExec(name: string, wrap: (apply: Apply) => Apply): Service {
  const handler = lckService.exec[name]!;
  const exec = { ...lckService.exec, [name]: { ...handler, apply: wrap(handler.apply) } };
  return { ...lckService, exec };
}

/** A context as a plain object, to be changed. */
function plain(context: ExecContext): ExecContext {
  return {
    view: context.view,
    order: context.order,
    time: context.time,
    steady: context.steady,
    version: context.version,
    reply: (source, reply) => context.reply(source, reply),
    replyWhenCertain: (...args) => context.replyWhenCertain(...args),
    callback: (client, name, payload, options) => context.callback(client, name, payload, options),
  };
}
