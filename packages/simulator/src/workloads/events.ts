/**
 * Clients of the event service that publish, subscribe and hang up at random, and the watch on their node's
 * service that compares every applied message with the naive model of `checkers/events.ts`.
 */
import { SA_AIS_ERR_BAD_HANDLE, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import type { EvtState } from '@aisexec/evt/service';
import type { ExecContext, ExecHandler, ServiceDefinition, Source } from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import {
  type EventHistory,
  type Filter,
  lifeOf,
  type ModelOpen,
  passesNaively,
} from '../checkers/events.ts';
import type { Random } from '../random.ts';
import type { ProcessEnvironment } from '../world/process.ts';
import { type Connection, openConnection } from './connection.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

const CHANNELS = ['red', 'green'];
const OUTSTANDING_MAX = 8;
const OPENS_MAX = 6;
const PAUSE_MEAN_MS = 40;
const HANG_UP_CHANCE = 0.003;
const RETENTION_NS_MAX = 3_000_000_000;
const NOTHING: ReadonlySet<bigint> = new Set();
const PASS_ALL: Filter = { type: 4, pattern: new Uint8Array(0) };

interface Delivery {
  readonly handle: bigint;
  readonly serials: readonly number[];
  readonly id: bigint;
}

export function createEventWorkload(
  history: EventHistory,
  service: ServiceDefinition<EvtState>,
  environment: ProcessEnvironment,
): ServiceWorkload {
  return {
    service: watched(history, service, environment),
    create: (context) => createClient(history, context, environment),
  };
}

type Message = Readonly<Record<string, unknown>>;
type After = (message: Message, source: Source, ctx: ExecContext, rc: number, heard: Heard) => void;

/** What a message made the service tell this node's clients. */
interface Heard {
  readonly got: Delivery[];
  isLostTold: boolean;
  /** Retained events whose contents this node lacked. */
  readonly absent: ReadonlySet<bigint>;
}

/** The service, with a look at every message that it applies. */
function watched(
  history: EventHistory,
  service: ServiceDefinition<EvtState>,
  environment: ProcessEnvironment,
): ServiceDefinition<EvtState> {
  const life = lifeOf(environment.node, environment.incarnation);
  const after = createJudges(history, life, environment);
  const exec: Record<string, ExecHandler<EvtState, Message>> = {};
  for (const [name, handler] of Object.entries(service.exec)) {
    exec[name] = {
      message: handler.message,
      apply(state, message, source, ctx) {
        let rc = 0;
        const absent = name === 'subscribe' ? absentIn(state) : NOTHING;
        const heard: Heard = { got: [], isLostTold: false, absent };
        const watching: ExecContext = {
          ...ctx,
          view: ctx.view,
          order: ctx.order,
          time: ctx.time,
          reply(to, reply) {
            rc = reply.rc;
            ctx.reply(to, reply);
          },
          replyWhenCertain(to, reply, doubtful) {
            rc = reply.rc;
            ctx.replyWhenCertain(to, reply, doubtful);
          },
          callback(client, callback, payload, options) {
            ctx.callback(client, callback, payload, options);
            if (client.node !== environment.node) return;
            if (callback === 'event') heard.got.push(payload as Delivery);
            else if (name === 'subscribe') heard.isLostTold = true;
            else history.add('lost', `${life} told of a loss out of nowhere, at ${name}`);
          },
        };
        handler.apply(state, message, source, watching);
        after[name]?.(message, source, ctx, rc, heard);
      },
    };
  }
  const { expire } = service;
  return {
    ...service,
    exec,
    ...(expire && {
      expire(state, ctx) {
        if (ctx.time > history.forgottenUpTo) history.forgottenUpTo = ctx.time;
        expire(state, ctx);
      },
    }),
  };
}

function absentIn(state: EvtState): ReadonlySet<bigint> {
  const absent = new Set<bigint>();
  for (const { id, content } of state.retained.values()) if (content === null) absent.add(id);
  return absent;
}

/** The naive model: what each message means for the clients of this life. */
function createJudges(
  history: EventHistory,
  life: string,
  environment: ProcessEnvironment,
): Readonly<Record<string, After>> {
  /** Retained events that this life applied and did not clear. */
  const kept = new Map<bigint, string>();
  const isLocal = (source: Source): boolean => source.node === environment.node;
  const openOf = (source: Source, handle: unknown): ModelOpen | undefined => {
    const open = history.opens.get(handle as bigint);
    return isLocal(source) && open?.life === life ? open : undefined;
  };
  return {
    close(message, source, _ctx, rc) {
      const open = openOf(source, message['handle']);
      if (open === undefined || rc !== SA_AIS_OK) return;
      open.ended = true;
      open.closed = true;
    },
    unsubscribe(message, source, _ctx, rc) {
      const open = openOf(source, message['handle']);
      if (open === undefined || open.ended) return;
      const at = open.subscriptions.findIndex(({ id }) => id === message['id']);
      if ((rc === SA_AIS_OK) !== at >= 0) history.add('answer', `unsubscribe answered ${rc}`);
      if (at >= 0) open.subscriptions.splice(at, 1);
      if (!open.subscriptions.some(({ filters }) => filters.length === 0)) {
        open.allSince = undefined;
      }
    },
    retentionClear(message, _source, ctx, rc) {
      // Whoever asks to clear an event that is over takes it away, even if others' clocks are behind.
      if (ctx.time > history.forgottenUpTo) history.forgottenUpTo = ctx.time;
      if (rc !== SA_AIS_OK) return;
      kept.delete(message['id'] as bigint);
      history.cleared.add(message['id'] as bigint);
    },
    subscribe(message, source, ctx, rc, heard) {
      const open = openOf(source, message['handle']);
      if (open === undefined || rc !== SA_AIS_OK) return;
      const { id, serial, filters } = message as never as ModelOpen['subscriptions'][number];
      open.subscriptions.push({ id, serial, filters });
      if (filters.length === 0) open.allSince ??= environment.time;
      judgeRetained(history, open, { serial, filters, time: ctx.time, kept, ...heard });
    },
    publish(message, source, ctx, rc, { got }) {
      const channel = history.channels.get(message['handle'] as bigint) ?? '?';
      judgeAnswer(history, openOf(source, message['handle']), rc);
      if (rc !== SA_AIS_OK) return;
      const id = message['id'] as bigint;
      const patterns = message['patterns'] as Uint8Array[];
      const retention = message['retention'] as bigint;
      const endsAt = retention > 0n ? ctx.time + retention : 0n;
      const data = String.fromCharCode(...(message['data'] as Uint8Array));
      const { time } = environment;
      const known = history.published.get(id);
      if (known === undefined) {
        const [lives, rings] = [new Set([life]), new Set<string>()];
        history.published.set(id, { id, channel, patterns, data, endsAt, lives, rings, time });
      } else {
        known.lives.add(life);
        if (known.data !== data) history.add('delivery', `id ${id} is ${known.data} and ${data}`);
      }
      if (!history.inTransit.has(life)) {
        history.published.get(id)?.rings.add(ringIdText(ctx.view.ringId));
      }
      if (retention > 0n) kept.set(id, channel);
      judgeDelivery(history, life, { id, channel, patterns }, got);
    },
  };
}

function judgeAnswer(history: EventHistory, open: ModelOpen | undefined, rc: number): void {
  // A client that has hung up is known a little longer; TRY_AGAIN: another history kept an event of this id.
  const unsure = open === undefined || (open.ended && !open.closed) || rc === SA_AIS_ERR_TRY_AGAIN;
  const expected = open?.closed ? SA_AIS_ERR_BAD_HANDLE : SA_AIS_OK;
  if (!unsure && rc !== expected) history.add('answer', `publish answered ${rc}, not ${expected}`);
}

/** Exactly these opens of this life get a published event, once, with these subscriptions. */
function judgeDelivery(
  history: EventHistory,
  life: string,
  event: { readonly id: bigint; readonly channel: string; readonly patterns: Uint8Array[] },
  got: readonly Delivery[],
): void {
  const expected: string[] = [];
  for (const [handle, open] of history.opens) {
    if (open.life !== life || open.ended || open.channel !== event.channel) continue;
    const serials = open.subscriptions
      .filter(({ filters }) => passesNaively(filters, event.patterns))
      .map(({ serial }) => serial);
    if (serials.length === 0) continue;
    expected.push(`${handle}: ${serials}`);
    open.got.push(event.id);
    open.seen.add(event.id);
    open.sent.push(event.id);
  }
  // Of a client that has hung up the service hears a little later.
  const hungUp = ({ handle }: Delivery): boolean => {
    const open = history.opens.get(handle);
    return open?.ended === true && !open.closed;
  };
  const heard = got.filter((delivery) => !hungUp(delivery));
  const actual = heard.map(({ handle, serials }) => `${handle}: ${serials}`);
  history.deliveries += actual.length;
  const same = expected.sort().join('; ') === actual.sort().join('; ');
  if (!same) history.add('delivery', `event ${event.id} to [${actual}], expected [${expected}]`);
  if (got.some(({ id }) => id !== event.id)) history.add('delivery', 'another event came with it');
}

interface Subscribed extends Heard {
  readonly serial: number;
  readonly filters: readonly Filter[];
  readonly time: bigint;
  readonly kept: ReadonlyMap<bigint, string>;
}

/** All that this life keeps, nothing that is over, nothing that was never published or does not match. */
function judgeRetained(history: EventHistory, open: ModelOpen, subscribed: Subscribed): void {
  const { serial, filters, time, kept, got, absent, isLostTold } = subscribed;
  const ids = got.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) history.add('retention', 'a retained event came twice');
  for (const { id, serials } of got) {
    const event = history.published.get(id);
    const right =
      event !== undefined &&
      event.channel === open.channel &&
      event.endsAt > time &&
      passesNaively(filters, event.patterns) &&
      serials.join() === String(serial);
    if (!right) history.add('retention', `${event?.data ?? id} came to a new subscription`);
    open.seen.add(id);
    open.sent.push(id);
  }
  if (isLostTold && absent.size === 0) history.add('lost', `${open.client} told without a reason`);
  const came = new Set(ids);
  for (const [id, channel] of kept) {
    const event = history.published.get(id);
    if (event === undefined || channel !== open.channel || came.has(id)) continue;
    const over =
      history.cleared.has(id) || event.endsAt <= time || event.endsAt <= history.forgottenUpTo;
    if (absent.has(id)) {
      if (!over && !isLostTold) history.add('lost', `${event.data} is absent and nobody said so`);
    } else if (!over && passesNaively(filters, event.patterns)) {
      history.add('retention', `${event.data} is kept and did not come`);
    }
  }
}

function createClient(
  history: EventHistory,
  context: WorkloadContext,
  environment: ProcessEnvironment,
): WorkloadClient {
  const { random, host, node } = context;
  const life = lifeOf(environment.node, environment.incarnation);
  let connection: Connection | undefined;
  let connections = 0;
  let counter = 0;
  let serial = 0;
  let handles: bigint[] = [];
  let stopped = false;

  const onCallback = (name: string, payload: unknown): void => {
    const { handle } = payload as { readonly handle: bigint };
    const open = history.opens.get(handle);
    if (name === 'event') open?.arrived.push((payload as Delivery).id);
    else if (open !== undefined) open.lostAt = environment.time;
  };
  const open = (on: Connection, ref: number): void => {
    const handle = BigInt(1 + random.below(0xffff_ffff)) * 256n + BigInt(node);
    const channel = random.pick(CHANNELS);
    history.channels.set(handle, channel);
    const request = { handle, name: channel, create: true, publisher: true, subscriber: true };
    const model: ModelOpen = {
      ...{ client: `${life}.${ref}`, life, channel, subscriptions: [], got: [], seen: new Set() },
      ...{ sent: [], arrived: [] },
      ...{ allSince: undefined, lostAt: -1, ended: false, closed: false },
    };
    history.opens.set(handle, model);
    handles.push(handle);
    on.request('open', request, (reply) => {
      if (reply.rc === SA_AIS_ERR_TRY_AGAIN) model.ended = true;
      else if (reply.rc !== SA_AIS_OK) history.add('answer', `open answered ${reply.rc}`);
    });
  };
  const ask = (on: Connection): void => {
    const handle = random.pick(handles);
    const die = random.next();
    if (die < 0.65) {
      counter += 1;
      const text = `${life}.${connections} ${counter}`;
      const data = Uint8Array.from(text, (character) => character.charCodeAt(0));
      const retention = random.chance(0.3) ? BigInt(random.below(RETENTION_NS_MAX)) : 0n;
      const patterns = Array.from({ length: random.below(3) }, () => drawPattern(random));
      const event = { handle, patterns, priority: random.below(4), retention, publisher: '', data };
      on.request('publish', event, (reply) => {
        const id = reply['eventId'];
        if (reply.rc === SA_AIS_OK && random.chance(0.1)) {
          on.request('retentionClear', { handle, id }, () => undefined);
        }
      });
    } else if (die < 0.85) {
      serial += 1;
      const filters = drawFilters(random);
      on.request('subscribe', { handle, id: random.below(4), serial, filters }, () => undefined);
    } else if (die < 0.96) {
      on.request('unsubscribe', { handle, id: random.below(4) }, () => undefined);
    } else {
      // Now and then it is used on: that is BAD_HANDLE.
      if (handles.length > 1 && random.chance(0.7))
        handles = handles.filter((one) => one !== handle);
      on.request('close', { handle }, () => undefined);
    }
  };
  const hangUp = (): void => {
    for (const handle of handles) {
      const model = history.opens.get(handle);
      if (model !== undefined) model.ended = true;
    }
    connection?.disconnect();
    connection = undefined;
    handles = [];
  };

  return {
    act() {
      if (!stopped && host.view !== undefined) {
        if (connection === undefined) {
          connection = openConnection(context, 'evt', onCallback);
          connections += 1;
          open(connection, connections);
        }
        if (random.chance(HANG_UP_CHANCE)) hangUp();
        else if (connection.outstanding < OUTSTANDING_MAX) {
          if (random.chance(0.1) && handles.length < OPENS_MAX) open(connection, connections);
          else ask(connection);
        }
      }
      return random.exponential(PAUSE_MEAN_MS);
    },
    stop() {
      stopped = true;
    },
    get idle() {
      return stopped && (connection?.outstanding ?? 0) === 0;
    },
  };
}

function drawPattern(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(3) }, () => random.below(2));
}

/** Mostly a few short ones over two bytes, so that they often match; sometimes none: all events. */
function drawFilters(random: Random): Filter[] {
  if (random.chance(0.3)) return [];
  return Array.from({ length: 1 + random.below(3) }, () =>
    random.chance(0.3) ? PASS_ALL : { type: 1 + random.below(3), pattern: drawPattern(random) },
  );
}
