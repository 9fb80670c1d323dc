/** Time passes: periods that were missed fall together into one callback with a higher count (ADR 0183). */
import type { SaTimeT } from '@aisexec/ais';
import type { CallbackOptions, ExecContext } from '@aisexec/service';
import { EXPIRED, type ExpiredPayload, OVERRUN } from '../protocol.ts';
import { endOfTime, isPeriodic } from './handlers.ts';
import { CLOCKS, type Clock, first, move, remove, type Timer, type TmrState } from './state.ts';

/** A periodic timer's next count makes up for what a slow reader missed; a single shot has no next one. */
const SINGLE: CallbackOptions = { priority: 0 };
const PERIODIC: CallbackOptions = { priority: 1, lost: { name: OVERRUN, payload: null } };

export function expire(state: TmrState, ctx: ExecContext): void {
  for (const clock of CLOCKS) {
    const now = nowOf(ctx, clock);
    for (;;) {
      const timer = first(state, clock);
      if (timer === undefined || timer.due > now) break;
      if (isPeriodic(timer.attributes)) expirePeriodic(state, timer, now, ctx);
      else {
        remove(state, timer);
        tell(ctx, timer, 1n, SINGLE);
      }
    }
  }
}

function expirePeriodic(state: TmrState, timer: Timer, now: SaTimeT, ctx: ExecContext): void {
  const { timerPeriodDuration: period } = timer.attributes;
  const expirations = (now - timer.due) / period + 1n;
  const skips = BigInt(timer.toSkip) < expirations ? BigInt(timer.toSkip) : expirations;
  timer.toSkip -= Number(skips);
  timer.skipped += skips;
  if (expirations > skips) tell(ctx, timer, timer.count + expirations, PERIODIC);
  timer.count += expirations;
  const due = endOfTime(timer.due + expirations * period);
  move(state, timer, due, endOfTime(ctx.time + due - now));
}

function nowOf({ time, steady }: ExecContext, clock: Clock): SaTimeT {
  return clock === 'wall' ? time : steady;
}

function tell(ctx: ExecContext, timer: Timer, count: bigint, options: CallbackOptions): void {
  const { client, id, skipped } = timer;
  const payload: ExpiredPayload = { id, count, skipped };
  ctx.callback(client, EXPIRED, payload, options);
}
