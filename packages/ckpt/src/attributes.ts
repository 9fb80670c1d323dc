/**
 * What an open may ask for (AIS-CKPT B.3 row "Open", rule 1; decisions ais F.1 and F.15): the validity of
 * open flags, of creation attributes, and when an existing checkpoint has "other" attributes.
 */
import {
  isSaName,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type OrderedRequests,
  SA_CKPT_CHECKPOINT_COLLOCATED,
  SA_CKPT_CHECKPOINT_CREATE,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ACTIVE_REPLICA_WEAK,
  SA_CKPT_WR_ALL_REPLICAS,
  type SaCkptCheckpointCreationAttributesT,
} from './protocol.ts';

const OPEN_FLAGS = SA_CKPT_CHECKPOINT_READ | SA_CKPT_CHECKPOINT_WRITE | SA_CKPT_CHECKPOINT_CREATE;
const MODES: readonly number[] = [
  SA_CKPT_WR_ALL_REPLICAS,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ACTIVE_REPLICA_WEAK,
];

/** The code of a malformed open, or OK. */
export function checkOpen(request: OrderedRequests['open']): SaAisErrorT {
  if (!isSaName(request.name)) return SA_AIS_ERR_INVALID_PARAM;
  // A flags argument with unknown bits, or with none at all, says nothing (B.0, BAD_FLAGS).
  if (request.openFlags === 0 || (request.openFlags & ~OPEN_FLAGS) !== 0)
    return SA_AIS_ERR_BAD_FLAGS;
  const creates = (request.openFlags & SA_CKPT_CHECKPOINT_CREATE) !== 0;
  if (creates !== (request.attributes !== null)) return SA_AIS_ERR_INVALID_PARAM;
  const valid = request.attributes === null || areValidAttributes(request.attributes);
  return valid ? SA_AIS_OK : SA_AIS_ERR_INVALID_PARAM;
}

export function areValidAttributes(attributes: SaCkptCheckpointCreationAttributesT): boolean {
  const mode = attributes.creationFlags & ~SA_CKPT_CHECKPOINT_COLLOCATED;
  return (
    MODES.includes(mode) &&
    attributes.maxSections >= 1 &&
    attributes.checkpointSize <= attributes.maxSections * attributes.maxSectionSize &&
    attributes.retentionDuration >= 0n
  );
}

/** Whether an open with these attributes means the checkpoint as it was created. Retention is not compared. */
export function sameAttributes(
  a: SaCkptCheckpointCreationAttributesT,
  b: SaCkptCheckpointCreationAttributesT,
): boolean {
  return (
    a.creationFlags === b.creationFlags &&
    a.checkpointSize === b.checkpointSize &&
    a.maxSections === b.maxSections &&
    a.maxSectionSize === b.maxSectionSize &&
    a.maxSectionIdSize === b.maxSectionIdSize
  );
}

export function isSynchronous(attributes: SaCkptCheckpointCreationAttributesT): boolean {
  return (attributes.creationFlags & SA_CKPT_WR_ALL_REPLICAS) !== 0;
}

/** Collocated with an asynchronous mode: some process must name the active replica (B.3 rule 2). */
export function needsActiveReplica(attributes: SaCkptCheckpointCreationAttributesT): boolean {
  return (
    (attributes.creationFlags & SA_CKPT_CHECKPOINT_COLLOCATED) !== 0 && !isSynchronous(attributes)
  );
}
