/**
 * AIS timers for Node.js, kept by the executive of this node. {@link TimerService} is the idiomatic layer; the
 * `saTmr…` functions are AIS TMR to the letter.
 *
 * @packageDocumentation
 */
export { createSaTmr } from './client/literal.ts';
export type * from './client/literal-types.ts';
export * from './client/sa-tmr.ts';
export { type Expiry, Timer, type TimerTimes } from './client/timer.ts';
export {
  type StartOptions,
  TimerService,
  type TimerServiceOptions,
} from './client/timer-service.ts';
export {
  SA_TIME_ABSOLUTE,
  SA_TIME_DURATION,
  type SaTmrTimerAttributesT,
  SaTmrTimerTypeT,
} from './protocol.ts';
