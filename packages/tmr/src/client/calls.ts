/** What both layers read out of replies, whatever an executive of another version left out. */
import { attributesSchema, SA_TIME_DURATION, type SaTmrTimerAttributesT } from '../protocol.ts';

export function attributesOf(value: unknown): SaTmrTimerAttributesT {
  if (attributesSchema.check(value)) return value;
  return { type: SA_TIME_DURATION, initialExpirationTime: 0n, timerPeriodDuration: 0n };
}
