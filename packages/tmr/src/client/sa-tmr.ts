/** The AIS functions of this process under their own names, as C has them. */
import { createSaTmr } from './literal.ts';

export const {
  saTmrInitialize,
  saTmrSelectionObjectGet,
  saTmrDispatch,
  saTmrFinalize,
  saTmrTimerStart,
  saTmrTimerReschedule,
  saTmrTimerCancel,
  saTmrPeriodicTimerSkip,
  saTmrTimerRemainingTimeGet,
  saTmrTimerAttributesGet,
  saTmrTimeGet,
  saTmrClockTickGet,
} = createSaTmr();
