/** The AIS functions of this process under their own names, as C has them. */
import { createSaCkpt } from './literal.ts';

export const {
  saCkptInitialize,
  saCkptSelectionObjectGet,
  saCkptDispatch,
  saCkptFinalize,
  saCkptCheckpointOpen,
  saCkptCheckpointOpenAsync,
  saCkptCheckpointClose,
  saCkptCheckpointUnlink,
  saCkptCheckpointRetentionDurationSet,
  saCkptActiveReplicaSet,
  saCkptCheckpointStatusGet,
  saCkptSectionCreate,
  saCkptSectionDelete,
  saCkptSectionIdFree,
  saCkptSectionExpirationTimeSet,
  saCkptSectionIterationInitialize,
  saCkptSectionIterationNext,
  saCkptSectionIterationFinalize,
  saCkptCheckpointWrite,
  saCkptSectionOverwrite,
  saCkptCheckpointRead,
  saCkptIOVectorElementDataFree,
  saCkptCheckpointSynchronize,
  saCkptCheckpointSynchronizeAsync,
} = createSaCkpt();
