/** The AIS functions of this process under their own names, as C has them. */
import { createSaClm } from './literal.ts';

export const {
  saClmInitialize,
  saClmInitialize_4,
  saClmSelectionObjectGet,
  saClmDispatch,
  saClmFinalize,
  saClmClusterTrack,
  saClmClusterTrack_4,
  saClmClusterTrackStop,
  saClmClusterNotificationFree,
  saClmClusterNotificationFree_4,
  saClmClusterNodeGet,
  saClmClusterNodeGet_4,
  saClmClusterNodeGetAsync,
  saClmResponse_4,
} = createSaClm();
