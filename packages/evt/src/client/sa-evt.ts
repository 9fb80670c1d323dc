/** The AIS functions of this process under their own names, as C has them. */
import { createSaEvt } from './literal.ts';

export const {
  saEvtInitialize,
  saEvtSelectionObjectGet,
  saEvtDispatch,
  saEvtFinalize,
  saEvtChannelOpen,
  saEvtChannelOpenAsync,
  saEvtChannelClose,
  saEvtChannelUnlink,
  saEvtEventAllocate,
  saEvtEventFree,
  saEvtEventAttributesSet,
  saEvtEventAttributesGet,
  saEvtEventPatternFree,
  saEvtEventDataGet,
  saEvtEventPublish,
  saEvtEventSubscribe,
  saEvtEventUnsubscribe,
  saEvtEventRetentionTimeClear,
  saEvtLimitGet,
} = createSaEvt();
