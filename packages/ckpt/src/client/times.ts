/** Between SaTimeT and the times of JavaScript. */
import { SA_TIME_END, SA_TIME_ONE_MILLISECOND, type SaTimeT } from '@aisexec/ais';

/** null: never. @throws TypeError for an invalid date. */
export function timeOf(date: Date | null): SaTimeT {
  if (date === null) return SA_TIME_END;
  const ms = date.getTime();
  if (!Number.isSafeInteger(ms) || ms < 0)
    throw new TypeError('expiresAt must be a date since 1970');
  const time = BigInt(ms) * SA_TIME_ONE_MILLISECOND;
  return time < SA_TIME_END ? time : SA_TIME_END;
}

/** null: never. */
export function dateOf(time: SaTimeT): Date | null {
  return time === SA_TIME_END ? null : new Date(Number(time / SA_TIME_ONE_MILLISECOND));
}

/** Infinity: for ever. @throws TypeError for what is no duration. */
export function durationOf(name: string, ms: number): SaTimeT {
  if (!(ms >= 0)) throw new TypeError(`${name} must be a number of at least 0, not ${String(ms)}`);
  const ns = ms * Number(SA_TIME_ONE_MILLISECOND);
  return ns >= Number(SA_TIME_END) ? SA_TIME_END : BigInt(Math.round(ns));
}

export function millisecondsOf(duration: SaTimeT): number {
  if (duration === SA_TIME_END) return Number.POSITIVE_INFINITY;
  return Number(duration) / Number(SA_TIME_ONE_MILLISECOND);
}
