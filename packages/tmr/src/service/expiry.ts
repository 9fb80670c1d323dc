/** Time passes: periods that were missed fall together into one callback with a higher count (ADR 0183). */
import type { CallbackOptions, ExecContext } from '@aisexec/service';
import { EXPIRED, type ExpiredPayload, OVERRUN } from '../protocol.ts';
import { endOfTime, isPeriodic } from './handlers.ts';
import { first, move, remove, type Timer, type TmrState } from './state.ts';

/** A periodic timer's next count makes up for what a slow reader missed; a single shot has no next one. */
const SINGLE: CallbackOptions = { priority: 0 };
const PERIODIC: CallbackOptions = { priority: 1, lost: { name: OVERRUN, payload: null } };

export function expire(state: TmrState, ctx: ExecContext): void {
  for (;;) {
    const timer = first(state);
    if (timer === undefined || timer.due > ctx.time) return;
    if (isPeriodic(timer.attributes)) expirePeriodic(state, timer, ctx);
    else {
      remove(state, timer);
      tell(ctx, timer, 1n, SINGLE);
    }
  }
}

function expirePeriodic(state: TmrState, timer: Timer, ctx: ExecContext): void {
  const { timerPeriodDuration: period } = timer.attributes;
  const expirations = (ctx.time - timer.due) / period + 1n;
  const skips = BigInt(timer.toSkip) < expirations ? BigInt(timer.toSkip) : expirations;
  timer.toSkip -= Number(skips);
  timer.skipped += skips;
  if (expirations > skips) tell(ctx, timer, timer.count + expirations, PERIODIC);
  timer.count += expirations;
  move(state, timer, endOfTime(timer.due + expirations * period));
}

function tell(ctx: ExecContext, timer: Timer, count: bigint, options: CallbackOptions): void {
  const { client, id, skipped } = timer;
  const payload: ExpiredPayload = { id, count, skipped };
  ctx.callback(client, EXPIRED, payload, options);
}
