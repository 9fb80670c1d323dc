/**
 * Load on the lock service: several clients on every node that ask, try, hold, give up and die, and that
 * behave as the idiomatic layer does: a lock that may be lost is given up at once.
 */
import { SA_AIS_ERR_NOT_EXIST, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import { checkTable, type LckState } from '@aisexec/lck/service';
import type { ExecContext, Reply, ServiceDefinition } from '@aisexec/service';
import type { LockAttempt, LockHistory, Mode } from '../checkers/lock-history.ts';
import { type Connection, openConnection } from './connection.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

const RESOURCES = ['x', 'y'];
const CLIENTS_PER_NODE = 3;
const ATTEMPTS_PER_CLIENT_MAX = 3;
const TURN_MEAN_MS = 25;
const HOLD_MEAN_MS = 120;
/** Long enough to meet a partition and its end. */
const LONG_HOLD_MEAN_MS = 2_500;
const LONG_HOLD_SHARE = 0.15;
const PATIENCE_MEAN_MS = 400;
const GRANTED = 1;
const NOT_QUEUED = 3;
const NO_QUEUE = 1;

/** The lock service of one life of a node, which notes what it applies, and its clients. */
export function createLockWorkload(
  history: LockHistory,
  service: ServiceDefinition<LckState>,
  life: { readonly node: number; readonly incarnation: number },
): ServiceWorkload {
  const { node, incarnation } = life;
  const note = (context: ExecContext): void => {
    const { quorate, members } = context.view;
    const ids = members.map(({ nodeId }) => nodeId);
    history.noteApplied(node, incarnation, { order: context.order, quorate, members: ids });
  };
  return {
    service: observed(service, note),
    create(context) {
      const clients = Array.from({ length: CLIENTS_PER_NODE }, (_, index) =>
        createLockClient(context, history, { ...life, name: `${node}.${incarnation}.${index}` }),
      );
      return {
        act() {
          for (const client of clients) client.act();
          return context.random.exponential(TURN_MEAN_MS);
        },
        stop() {
          for (const client of clients) client.stop();
        },
        get idle() {
          return clients.every((client) => client.idle);
        },
        conclude() {
          for (const client of clients) client.conclude?.();
        },
      };
    },
  };
}

/** The same service, which fails where its table is not sound after an event. */
export function checkedLocks(service: ServiceDefinition<LckState>): ServiceDefinition<LckState> {
  return observed(
    service,
    () => {},
    (state) => {
      const [problem] = checkTable(state);
      if (problem !== undefined) throw new Error(`lock table: ${problem}`);
    },
  );
}

/** The same service; `note` sees every event that is applied, before the service does, `judge` the state after it. */
function observed(
  service: ServiceDefinition<LckState>,
  note: (context: ExecContext) => void,
  judge: (state: LckState) => void = () => {},
): ServiceDefinition<LckState> {
  const { exec, confchg, clientGone } = service;
  const handlers = Object.entries(exec).map(([name, handler]) => {
    const apply: typeof handler.apply = (state, message, source, context) => {
      note(context);
      handler.apply(state, message, source, context);
      judge(state);
    };
    return [name, { ...handler, apply }];
  });
  return {
    ...service,
    exec: Object.fromEntries(handlers),
    confchg(state, view, context) {
      note(context);
      confchg?.(state, view, context);
      judge(state);
    },
    clientGone(state, client, context) {
      note(context);
      const isLeft = clientGone?.(state, client, context);
      judge(state);
      return isLeft;
    },
  };
}

interface Identity {
  readonly node: number;
  readonly incarnation: number;
  readonly name: string;
}

/** An attempt of a client that is alive. */
interface Open {
  readonly attempt: LockAttempt;
  readonly id: bigint;
  /** Held until then, or waited for at most until then. */
  until: number;
  releasing: boolean;
}

function createLockClient(
  context: WorkloadContext,
  history: LockHistory,
  identity: Identity,
): WorkloadClient {
  const { random, host } = context;
  const open = new Map<bigint, Open>();
  let connection: Connection | undefined;
  let ready = 0;
  let stopped = false;
  let lives = 0;
  let nextId = 1n;

  const holdMeanMs = (): number =>
    random.chance(LONG_HOLD_SHARE) ? LONG_HOLD_MEAN_MS : HOLD_MEAN_MS;

  const connect = (): void => {
    ready = 0;
    lives += 1;
    connection = openConnection(context, 'lck', (name, payload) => {
      if (name === 'lockLost') onLost(payload as { lockId: bigint; reason: string });
      if (name === 'locksLost') {
        const { lockIds, reason } = payload as { lockIds: readonly bigint[]; reason: string };
        for (const lockId of lockIds) onLost({ lockId, reason });
      }
    });
    RESOURCES.forEach((name, index) => {
      const request = { handle: BigInt(index + 1), name, create: true, notify: false };
      connection?.request('open', request, ({ rc }) => {
        if (rc === SA_AIS_OK) ready += 1;
        else context.wrong('locks', `open was answered ${rc}`);
      });
    });
  };

  const die = (): void => {
    connection?.disconnect();
    connection = undefined;
    const at = history.tick();
    for (const { attempt } of open.values()) attempt.ended ??= { at, why: 'dead' };
    open.clear();
  };

  const ask = (to: Connection): void => {
    const index = random.below(RESOURCES.length);
    const mode: Mode = random.chance(0.6) ? 2 : 1;
    const noQueue = random.chance(0.3);
    const id = nextId++;
    const attempt: LockAttempt = {
      node: identity.node,
      incarnation: identity.incarnation,
      client: `${identity.name}.${lives}`,
      resource: RESOURCES[index]!,
      mode,
      noQueue,
      invoked: history.tick(),
    };
    history.attempts.push(attempt);
    const until = context.time() + random.exponential(PATIENCE_MEAN_MS);
    const entry: Open = { attempt, id, until, releasing: false };
    open.set(id, entry);
    const handle = BigInt(index + 1);
    const flags = noQueue ? NO_QUEUE : 0;
    const request = { handle, lockId: id, mode, flags, waiterSignal: 0n, detect: false };
    to.request('lock', request, (reply) => onLockReply(entry, reply));
  };

  const onLockReply = (entry: Open, reply: Reply): void => {
    const { attempt, id } = entry;
    const at = history.tick();
    if (reply.rc === SA_AIS_OK && reply['lockStatus'] === GRANTED) {
      attempt.granted = { at, token: reply['fencingToken'] as bigint };
      entry.until = context.time() + random.exponential(holdMeanMs());
      return;
    }
    const notQueued = reply.rc === SA_AIS_OK && reply['lockStatus'] === NOT_QUEUED;
    const cancelled = reply.rc === SA_AIS_ERR_NOT_EXIST && entry.releasing;
    if (!notQueued && !cancelled && reply.rc !== SA_AIS_ERR_TRY_AGAIN) {
      context.wrong('locks', `lock was answered ${reply.rc} ${String(reply['lockStatus'])}`);
    }
    attempt.refused = { at, why: notQueued ? 'not-queued' : 'no-effect' };
    if (!entry.releasing) open.delete(id);
  };

  /** Gives up what is held or waited for. */
  const release = (to: Connection, entry: Open): void => {
    const { attempt, id } = entry;
    entry.releasing = true;
    attempt.ended ??= { at: history.tick(), why: 'unlock' };
    to.request('unlock', { lockId: id }, ({ rc }) => {
      if (rc === SA_AIS_ERR_TRY_AGAIN) {
        entry.releasing = false;
        return;
      }
      attempt.unlocked = history.tick();
      if (rc !== SA_AIS_OK && rc !== SA_AIS_ERR_NOT_EXIST) {
        context.wrong('locks', `unlock was answered ${rc}`);
      }
      open.delete(id);
    });
  };

  const onLost = ({ lockId, reason }: { lockId: bigint; reason: string }): void => {
    const entry = open.get(lockId);
    if (entry === undefined) return;
    entry.attempt.ended ??= { at: history.tick(), why: 'lost' };
    if (entry.releasing) return;
    if (reason === 'quorum-lost' || reason === 'node-isolated') entry.until = 0;
    else open.delete(lockId);
  };

  return {
    act() {
      if (host.view === undefined) return 0;
      if (connection === undefined && !stopped) connect();
      if (connection === undefined || ready < RESOURCES.length) return 0;
      const now = context.time();
      for (const entry of open.values()) {
        const isHeld = entry.attempt.granted !== undefined;
        const isDue = stopped ? isHeld : now >= entry.until;
        if (isDue && !entry.releasing) release(connection, entry);
      }
      if (stopped) return 0;
      if (random.chance(0.01)) die();
      else if (open.size < ATTEMPTS_PER_CLIENT_MAX && random.chance(0.4)) ask(connection);
      return 0;
    },
    stop() {
      stopped = true;
    },
    get idle() {
      return stopped && open.size === 0 && (connection?.outstanding ?? 0) === 0;
    },
    conclude() {
      for (const { attempt } of open.values()) history.unanswered.push(attempt);
    },
  };
}
