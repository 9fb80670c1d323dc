/**
 * Clients of the checkpoint service that put values into a few sections, read them back, make others that end,
 * and watch; and a look at their node's service that notes what is applied for `checkers/checkpoints.ts`. Sections
 * `d…` are never deleted: what was acknowledged of them must stay. Sections `v…` come and go. Sections `w…` are
 * written in parts: only replicas that are equal byte by byte have the same of them.
 */
import {
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
} from '@aisexec/ais';
import { type CkptState, checkState } from '@aisexec/ckpt/service';
import type { ExecContext, ExecHandler, ServiceDefinition } from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import {
  ABSENT,
  type CheckpointHistory,
  checkAcknowledged,
  noteAcknowledged,
  noteQuorateView,
  noteResult,
} from '../checkers/checkpoints.ts';
import { lifeOf } from '../checkers/events.ts';
import type { Random } from '../random.ts';
import type { ProcessEnvironment } from '../world/process.ts';
import { type Connection, openConnection } from './connection.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

const NAME = 'state';
/** Answers without a promise: applied on a side whose history may not last, or not now. */
const NO_PROMISE: readonly number[] = [SA_AIS_ERR_TIMEOUT, SA_AIS_ERR_TRY_AGAIN];
const DURABLE = ['d0', 'd1', 'd2', 'd3'];
const PATCHED = ['w0', 'w1', 'w2'];
const PATCHED_BYTES = 40;
const VOLATILE = ['v0', 'v1', 'v2'];
const NEVER = 0x7fff_ffff_ffff_ffffn;
const OUTSTANDING_MAX = 8;
const PAUSE_MEAN_MS = 40;
const HANG_UP_CHANCE = 0.01;
const EXPIRY_NS_MAX = 2_000_000_000;
const WALL_CLOCK_START_NS = 1_700_000_000_000_000_000n;
const ALL_FLAGS = 7;
const ATTRIBUTES = {
  ...{ creationFlags: 1, checkpointSize: 0, retentionDuration: NEVER },
  ...{ maxSections: 16, maxSectionSize: 256, maxSectionIdSize: 8 },
};

/** The lives that run, by node, to name the members of a view. */
export type Lives = Map<number, string>;

export function createCheckpointWorkload(
  history: CheckpointHistory,
  service: ServiceDefinition<CkptState>,
  environment: ProcessEnvironment,
  lives: Lives,
): ServiceWorkload {
  const life = lifeOf(environment.node, environment.incarnation);
  lives.set(environment.node, life);
  /** Rises when the state was exchanged for another one: then older values may come back. */
  const replica: Replica = { replaced: 0, read: () => undefined };
  return {
    service: watched(history, service, { life, lives, replica, environment }),
    create: (context) => createClient(history, context, life, replica),
  };
}

interface Replica {
  replaced: number;
  /** The value of a section in this node's state. */
  read: (section: string) => string | undefined;
}

interface Place {
  readonly life: string;
  readonly lives: Lives;
  readonly replica: Replica;
  readonly environment: ProcessEnvironment;
}

type Message = Readonly<Record<string, unknown>>;

function watched(
  history: CheckpointHistory,
  service: ServiceDefinition<CkptState>,
  { life, lives, replica, environment }: Place,
): ServiceDefinition<CkptState> {
  const exec = watchedHandlers(history, service, life);
  return {
    ...service,
    exec,
    replaced(before, after, ctx) {
      replica.replaced += 1;
      service.replaced?.(before, after, ctx);
    },
    confchg(state, view, ctx) {
      service.confchg?.(state, view, ctx);
      replica.read = (section) => valueIn(state, section);
      if (!view.quorate || history.failed.has(life)) return;
      const members = view.members.map(({ nodeId }) => lives.get(nodeId) ?? `${nodeId}.?`);
      const ring = ringIdText(view.ringId);
      const isWitness = isComplete(state);
      noteQuorateView(history, { ring, life, lives: members, isWitness }, replica.read);
    },
    expire(state, ctx) {
      judgeExpiry(history, state, ctx, environment, () => service.expire?.(state, ctx));
    },
  };
}

/** The exec handlers, with an eye on what they do. */
function watchedHandlers(
  history: CheckpointHistory,
  service: ServiceDefinition<CkptState>,
  life: string,
): Record<string, ExecHandler<CkptState, Message>> {
  const exec: Record<string, ExecHandler<CkptState, Message>> = {};
  for (const [name, handler] of Object.entries(service.exec)) {
    exec[name] = {
      message: handler.message,
      apply(state, message, source, ctx) {
        let rc = 0;
        const told: bigint[] = [];
        const watching = watchingContext(ctx, (reply) => {
          rc = reply.rc;
        });
        const section = String(message['sectionId'] ?? '');
        const replacedValue = valueIn(state, section);
        handler.apply(state, message, source, {
          ...watching,
          callback(client, callback, payload, options) {
            if (callback === 'sectionChanged') told.push((payload as { order: bigint }).order);
            ctx.callback(client, callback, payload, options);
          },
        });
        const value = valueIn(state, section);
        const { rep, seq } = ctx.view.ringId;
        const side = history.remainders.get(life) ?? '';
        const place = `${rep}.${seq} ${ctx.order}${side}`;
        // A refused change says nothing of the content, which may be still to come.
        const result = rc === SA_AIS_OK ? `${rc} ${value}` : String(rc);
        noteResult(history, place, `${name} ${section}: ${result} told ${told.length}`);
        if (name === 'put' && rc === SA_AIS_OK) {
          noteValue(history, textOf(message['data'] as Uint8Array), ctx, replacedValue);
        }
        if (told.some((order) => order !== ctx.order))
          history.add('watch', `wrong place, ${place}`);
        noteWitness(history, life, ctx, state);
        judgeWatch(history, { name, rc, told: told.length, place }, state);
        const problem = checkState(state);
        if (problem !== null) history.add('replicas', `${life} after ${name}: ${problem}`);
      },
    };
  }
  return exec;
}

/** Whether every content is here: only such a replica is a witness of what was acknowledged. */
function isComplete(state: CkptState): boolean {
  for (const { sections } of state.checkpoints.values()) {
    for (const { data } of sections.values()) {
      if (!data.pages.every((page) => page instanceof Uint8Array)) return false;
    }
  }
  return true;
}

/** A member whose contents came after the view. */
function noteWitness(
  history: CheckpointHistory,
  life: string,
  { view }: ExecContext,
  state: CkptState,
): void {
  if (history.quorate.has(life) || history.failed.has(life)) return;
  if (ringIdText(view.ringId) === history.quorateRing && isComplete(state)) {
    history.quorate.add(life);
  }
}

/** The same context with an ear at the replies. */
function watchingContext(ctx: ExecContext, hear: (reply: { rc: number }) => void): ExecContext {
  const { view, order, time, steady, version } = ctx;
  return {
    ...{ view, order, time, steady, version },
    reply(to, reply) {
      hear(reply);
      ctx.reply(to, reply);
    },
    replyWhenCertain(to, reply, doubtful) {
      hear(reply);
      ctx.replyWhenCertain(to, reply, doubtful);
    },
    callback: (...args) => ctx.callback(...args),
  };
}

interface Applied {
  readonly name: string;
  readonly rc: number;
  readonly told: number;
  readonly place: string;
}

/** All watches of this workload are on all sections: each change is told to every one of them, once. */
function judgeWatch(
  history: CheckpointHistory,
  { name, rc, told, place }: Applied,
  state: CkptState,
): void {
  const isChange = name === 'put' || name === 'write' || name === 'sectionDelete';
  const changes = isChange && rc === SA_AIS_OK;
  const watches = [...state.checkpoints.values()][0]?.watches.size ?? 0;
  const expected = changes ? watches : 0;
  if (told !== expected) history.add('watch', `${name} at ${place} told ${told} of ${expected}`);
}

/** What goes was due, what stays is not, and watches hear of it in the order in which it was due. */
function judgeExpiry(
  history: CheckpointHistory,
  state: CkptState,
  ctx: ExecContext,
  environment: ProcessEnvironment,
  expire: () => void,
): void {
  const sections = (): Map<string, bigint> =>
    new Map(
      [...state.checkpoints.values()].flatMap((checkpoint) =>
        [...checkpoint.sections].map(([key, { expirationTime }]) => [key, expirationTime] as const),
      ),
    );
  const before = sections();
  expire();
  const after = sections();
  const node = environment.node;
  for (const [key, time] of before) {
    if (after.has(key)) {
      if (time <= ctx.time) history.add('expiry', `${key} outlived its time on node ${node}`);
      continue;
    }
    history.expiries += 1;
    if (time > ctx.time) history.add('expiry', `${key} ended before its time on node ${node}`);
  }
}

function valueIn(state: CkptState, section: string): string | undefined {
  for (const checkpoint of state.checkpoints.values()) {
    const data = checkpoint.sections.get(section)?.data;
    if (data === undefined) continue;
    const page = data.pages[0] ?? new Uint8Array(0);
    return page instanceof Uint8Array ? textOf(page.subarray(0, data.size)) : ABSENT;
  }
  return undefined;
}

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

interface OwnWrite {
  readonly value: string;
  readonly replaced: number;
}

function createClient(
  history: CheckpointHistory,
  context: WorkloadContext,
  life: string,
  replica: Replica,
): WorkloadClient {
  const { random, host, node } = context;
  let connection: Connection | undefined;
  let handle = 0n;
  let counter = 0;
  let own = new Map<string, OwnWrite>();
  let stopped = false;

  const connect = (): Connection => {
    const made = openConnection(context, 'ckpt');
    handle = BigInt(1 + random.below(0xffff_ffff)) * 256n + BigInt(node);
    own = new Map();
    const open = { handle, name: NAME, openFlags: ALL_FLAGS, attributes: ATTRIBUTES };
    made.request('open', open, (reply) => {
      if (reply.rc === SA_AIS_OK) return;
      if (!NO_PROMISE.includes(reply.rc)) context.wrong('ckpt', `open answered ${reply.rc}`);
      made.disconnect();
      if (connection === made) connection = undefined;
    });
    made.request('watch', { handle, serial: 1, sectionId: null, data: true }, () => undefined);
    return made;
  };
  const put = (on: Connection, sectionId: string, expirationTime: bigint): void => {
    counter += 1;
    const value = `${life} ${counter}`;
    const { replaced } = replica;
    const mine = own;
    on.request('put', { handle, sectionId, expirationTime, data: bytesOf(value) }, (reply) => {
      if (NO_PROMISE.includes(reply.rc)) return;
      if (reply.rc !== SA_AIS_OK || typeof reply['order'] !== 'bigint') {
        context.wrong('ckpt', `put answered ${reply.rc}`);
        return;
      }
      if (sectionId.startsWith('d')) {
        mine.set(sectionId, { value, replaced });
        noteAcknowledged(history, sectionId, value);
      }
    });
  };
  const patch = (on: Connection, sectionId: string): void => {
    counter += 1;
    const data = bytesOf(String(counter));
    const offset = random.below(PATCHED_BYTES);
    const elements = [{ sectionId, offset, data, end: null }];
    on.request('write', { handle, elements }, ({ rc }) => {
      if (![SA_AIS_OK, SA_AIS_ERR_NOT_EXIST, ...NO_PROMISE].includes(rc)) {
        context.wrong('ckpt', `write answered ${rc}`);
      }
    });
  };
  const read = (on: Connection): void => {
    const sectionId = random.pick(DURABLE);
    const written = own.get(sectionId);
    const elements = [{ sectionId, offset: 0, size: null }];
    on.request('read', { handle, elements }, (reply) => {
      // Still on its way to this node.
      if (reply.rc === SA_AIS_ERR_TRY_AGAIN) return;
      if (written === undefined || written.replaced !== replica.replaced) return;
      const [first] = (reply['results'] ?? []) as { readonly data: Uint8Array }[];
      const value = first === undefined ? undefined : textOf(first.data);
      const order = history.orders.get(value ?? '') ?? -1n;
      if (order < (history.orders.get(written.value) ?? 0n)) {
        history.add('read your write', `${life} wrote ${written.value} and read ${value}`);
      }
    });
  };
  const ask = (on: Connection): void => {
    const die = random.next();
    if (die < 0.5) put(on, random.pick(DURABLE), NEVER);
    else if (die < 0.65) read(on);
    else if (die < 0.68) put(on, random.pick(PATCHED), NEVER);
    else if (die < 0.74) patch(on, random.pick(PATCHED));
    else if (die < 0.85) put(on, random.pick(VOLATILE), soon(context.time(), random));
    else {
      const sectionId = random.pick(VOLATILE);
      on.request('sectionDelete', { handle, sectionId }, ({ rc }) => {
        if (![SA_AIS_OK, SA_AIS_ERR_NOT_EXIST, ...NO_PROMISE].includes(rc)) {
          context.wrong('ckpt', `delete answered ${rc}`);
        }
      });
    }
  };

  return {
    act() {
      if (!stopped && host.view !== undefined) {
        connection ??= connect();
        if (random.chance(HANG_UP_CHANCE)) {
          connection.disconnect();
          connection = undefined;
        } else if (connection.outstanding < OUTSTANDING_MAX) ask(connection);
      }
      return random.exponential(PAUSE_MEAN_MS);
    },
    stop() {
      stopped = true;
    },
    get idle() {
      return stopped && (connection?.outstanding ?? 0) === 0;
    },
    conclude() {
      if (history.quorate.has(life)) checkAcknowledged(history, life, replica.read);
    },
  };
}

function noteValue(
  history: CheckpointHistory,
  value: string,
  ctx: ExecContext,
  before: string | undefined,
): void {
  const known = history.previous.get(value);
  if (!history.orders.has(value) || known === ABSENT) history.previous.set(value, before);
  history.orders.set(value, ctx.order);
  if (ctx.view.quorate) history.quorateValues.add(value);
}

const soon = (timeMs: number, random: Random): bigint =>
  WALL_CLOCK_START_NS + BigInt(Math.round(timeMs * 1e6)) + BigInt(random.below(EXPIRY_NS_MAX));
