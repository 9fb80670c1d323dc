/** What clients may ask of their timers (AIS B.7). All of it is answered at once, from this node alone (ADR 0182). */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  SA_TIME_END,
  type SaTimeT,
} from '@aisexec/ais';
import { type LibContext, libHandler, type Reply, s } from '@aisexec/service';
import { CLOCK_TICK_NS, SKIPS_MAX, TIMERS_MAX, TIMERS_PER_CLIENT_MAX } from '../limits.ts';
import {
  areValid,
  attributesSchema,
  idRequest,
  type SaTmrTimerAttributesT,
  timerRequest,
} from '../protocol.ts';
import { add, clockOf, find, move, remove, type Timer, type TmrState } from './state.ts';

const timeReply = s.object({ time: s.i64, tick: s.i64 });
const callReply = s.object({ callTime: s.i64 });
const getReply = s.object({ attributes: attributesSchema, remaining: s.i64 });

export const lib = {
  start: libHandler({
    request: timerRequest,
    reply: callReply,
    flow: 'local',
    handle: (state: TmrState, { id, attributes }, ctx) => {
      const { client, now } = ctx;
      if (!areValid(attributes)) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const own = state.clients.get(client.connection);
      if (own?.has(id) === true) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (state.size >= TIMERS_MAX || (own?.size ?? 0) >= TIMERS_PER_CLIENT_MAX) {
        return { rc: SA_AIS_ERR_NO_RESOURCES };
      }
      const fresh = { count: 0n, skipped: 0n, toSkip: 0 };
      add(state, {
        client,
        id,
        attributes: plain(attributes),
        ...dueOf(attributes, ctx),
        ...fresh,
      });
      return { rc: SA_AIS_OK, callTime: now };
    },
  }),

  /** Counts go on; expirations that were to be skipped are not any more. */
  reschedule: libHandler({
    request: timerRequest,
    reply: callReply,
    flow: 'local',
    handle: (state: TmrState, { id, attributes }, ctx) => {
      const { client, now } = ctx;
      const timer = find(state, client.connection, id);
      if (timer === undefined) return { rc: SA_AIS_ERR_NOT_EXIST };
      const { due, dueWall } = dueOf(attributes, ctx);
      if (
        !areValid(attributes) ||
        dueWall < now ||
        isPeriodic(attributes) !== isPeriodic(timer.attributes)
      ) {
        return { rc: SA_AIS_ERR_INVALID_PARAM };
      }
      timer.attributes = plain(attributes);
      timer.toSkip = 0;
      move(state, timer, due, dueWall);
      return { rc: SA_AIS_OK, callTime: now };
    },
  }),

  cancel: libHandler({
    request: idRequest,
    flow: 'local',
    handle: (state: TmrState, { id }, ctx) =>
      withTimer(state, id, ctx, (timer) => {
        remove(state, timer);
        return { rc: SA_AIS_OK };
      }),
  }),

  /** NOT_EXIST for a single-shot timer: it is no periodic one. */
  skip: libHandler({
    request: idRequest,
    flow: 'local',
    handle: (state: TmrState, { id }, ctx) =>
      withTimer(state, id, ctx, (timer) => {
        if (!isPeriodic(timer.attributes)) return { rc: SA_AIS_ERR_NOT_EXIST };
        if (timer.toSkip >= SKIPS_MAX) return { rc: SA_AIS_ERR_NO_RESOURCES };
        timer.toSkip++;
        return { rc: SA_AIS_OK };
      }),
  }),

  get: libHandler({
    request: idRequest,
    reply: getReply,
    flow: 'local',
    handle: (state: TmrState, { id }, ctx) =>
      withTimer(state, id, ctx, ({ attributes, due }) => {
        const now = clockOf(attributes) === 'wall' ? ctx.now : ctx.steady;
        const remaining = due > now ? due - now : 0n;
        return { rc: SA_AIS_OK, attributes, remaining };
      }),
  }),

  time: libHandler({
    request: s.nothing,
    reply: timeReply,
    flow: 'local',
    handle: (_state: TmrState, _request, { now }) => ({
      rc: SA_AIS_OK,
      time: now,
      tick: CLOCK_TICK_NS,
    }),
  }),
};

function withTimer(
  state: TmrState,
  id: bigint,
  { client }: LibContext,
  run: (timer: Timer) => Reply,
): Reply {
  const timer = find(state, client.connection, id);
  return timer === undefined ? { rc: SA_AIS_ERR_NOT_EXIST } : run(timer);
}

export function isPeriodic({ timerPeriodDuration }: SaTmrTimerAttributesT): boolean {
  return timerPeriodDuration > 0n;
}

/** What lies beyond the end of time is never. */
export function endOfTime(due: SaTimeT): SaTimeT {
  if (due > SA_TIME_END) return SA_TIME_END;
  return due;
}

function dueOf(
  attributes: SaTmrTimerAttributesT,
  { now, steady }: Pick<LibContext, 'now' | 'steady'>,
): Pick<Timer, 'due' | 'dueWall'> {
  const { initialExpirationTime: time } = attributes;
  if (clockOf(attributes) === 'wall') return { due: endOfTime(time), dueWall: endOfTime(time) };
  return { due: endOfTime(steady + time), dueWall: endOfTime(now + time) };
}

/** Without what a client may have added. */
function plain(attributes: SaTmrTimerAttributesT): SaTmrTimerAttributesT {
  const { type, initialExpirationTime, timerPeriodDuration } = attributes;
  return { type, initialExpirationTime, timerPeriodDuration };
}
