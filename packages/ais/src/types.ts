/** The basic AIS types and their constants (AIS B.0 "Common ground"). 64-bit values are `bigint`. */

/** Nanoseconds: a duration, or a point in time since the Unix epoch. */
export type SaTimeT = bigint;
export const SA_TIME_BEGIN: SaTimeT = 0n;
export const SA_TIME_END: SaTimeT = 0x7fff_ffff_ffff_ffffn;
export const SA_TIME_MAX: SaTimeT = SA_TIME_END;
export const SA_TIME_UNKNOWN: SaTimeT = -0x8000_0000_0000_0000n;
export const SA_TIME_ONE_MICROSECOND: SaTimeT = 1_000n;
export const SA_TIME_ONE_MILLISECOND: SaTimeT = 1_000_000n;
export const SA_TIME_ONE_SECOND: SaTimeT = 1_000_000_000n;
export const SA_TIME_ONE_MINUTE: SaTimeT = 60n * SA_TIME_ONE_SECOND;
export const SA_TIME_ONE_HOUR: SaTimeT = 60n * SA_TIME_ONE_MINUTE;
export const SA_TIME_ONE_DAY: SaTimeT = 24n * SA_TIME_ONE_HOUR;

export type SaInvocationT = bigint;
export type SaLimitValueT = bigint;

declare const brand: unique symbol;
/** A 64-bit handle that cannot be mixed up with one of another kind. */
export type Handle<Kind extends string> = bigint & { readonly [brand]: Kind };

export const SA_FALSE = 0;
export const SA_TRUE = 1;
export type SaBoolT = typeof SA_FALSE | typeof SA_TRUE;

export const SaDispatchFlagsT = {
  SA_DISPATCH_ONE: 1,
  SA_DISPATCH_ALL: 2,
  SA_DISPATCH_BLOCKING: 3,
} as const;
export type SaDispatchFlagsT = (typeof SaDispatchFlagsT)[keyof typeof SaDispatchFlagsT];
export const { SA_DISPATCH_ONE, SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING } = SaDispatchFlagsT;

export const SA_TRACK_CURRENT = 0x01;
export const SA_TRACK_CHANGES = 0x02;
export const SA_TRACK_CHANGES_ONLY = 0x04;
export const SA_TRACK_LOCAL = 0x08;
export const SA_TRACK_START_STEP = 0x10;
export const SA_TRACK_VALIDATE_STEP = 0x20;

/** In-out argument of every `saXxxInitialize`: overwritten with the version the service supports. */
export interface SaVersionT {
  /** A capital letter, e.g. `'B'`. */
  releaseCode: string;
  majorVersion: number;
  minorVersion: number;
}
