/**
 * What client and timer service say to each other, and the constants of AIS TMR under their C names (AIS B.7).
 * Timer ids are drawn by the client and mean something within its connection only, so that an id exists before
 * its first expiry.
 */
import type { SaTimeT, SaVersionT } from '@aisexec/ais';
import { type Infer, s } from '@aisexec/service';

/** Number and name under which executives host the timer service. */
export const TMR_SERVICE_ID = 6;
export const TMR_SERVICE_NAME = 'tmr';

/** The generations of the interface that are served, ascending. */
export const TMR_VERSIONS: readonly Readonly<SaVersionT>[] = [
  { releaseCode: 'A', majorVersion: 1, minorVersion: 1 },
];

/** What `initialExpirationTime` is: a point in time, or so long from the call on. */
export const SaTmrTimerTypeT = { SA_TIME_ABSOLUTE: 1, SA_TIME_DURATION: 2 } as const;
export type SaTmrTimerTypeT = (typeof SaTmrTimerTypeT)[keyof typeof SaTmrTimerTypeT];
export const { SA_TIME_ABSOLUTE, SA_TIME_DURATION } = SaTmrTimerTypeT;

/** What a timer is asked for. */
export interface SaTmrTimerAttributesT {
  readonly type: SaTmrTimerTypeT;
  /** Nanoseconds: since the Unix epoch, or from the call on. */
  readonly initialExpirationTime: SaTimeT;
  /** Nanoseconds between expirations after the first; 0: single-shot. */
  readonly timerPeriodDuration: SaTimeT;
}

export const attributesSchema = s.object({
  type: s.oneOf(SA_TIME_ABSOLUTE, SA_TIME_DURATION),
  initialExpirationTime: s.i64,
  timerPeriodDuration: s.i64,
});

/** `start` and `reschedule`. */
export const timerRequest = s.object({ id: s.u64, attributes: attributesSchema });
export type TimerRequest = Infer<typeof timerRequest>;

/** `cancel`, `skip` and `get`. */
export const idRequest = s.object({ id: s.u64 });

/** Callback `expired`. Counts since the start of the timer. */
export interface ExpiredPayload {
  readonly id: bigint;
  /** Expirations up to now: more than one above the last payload's where some fell together or were skipped. */
  readonly count: bigint;
  /** Those of them that the application asked to skip. */
  readonly skipped: bigint;
}
export const EXPIRED = 'expired';
/** Callback in the place of expiries that a slow reader missed: the next count tells how many. */
export const OVERRUN = 'overrun';

/** No negative time: what both layers and the service refuse with INVALID_PARAM. */
export function areValid(attributes: SaTmrTimerAttributesT): boolean {
  return (
    attributesSchema.check(attributes) &&
    attributes.initialExpirationTime >= 0n &&
    attributes.timerPeriodDuration >= 0n
  );
}
