/**
 * From a client's handle to the checkpoint behind it: the checks that almost every operation begins with
 * (AIS-CKPT B.3): the handle is open, was opened with the right, and a collocated checkpoint with an
 * asynchronous mode has an active replica (rule 2).
 */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_NOT_EXIST,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ClientRef } from '@aisexec/service';
import { needsActiveReplica } from '../attributes.ts';
import { type Checkpoint, type CkptState, findOpen } from './state.ts';

export interface AccessNeeds {
  /** An open flag that the handle must have. */
  readonly right?: number;
  /** Whether the operation touches data and so needs an active replica. */
  readonly data: boolean;
}

export type Access =
  | { readonly checkpoint: Checkpoint }
  | { readonly checkpoint?: never; readonly rc: SaAisErrorT };

export function access(
  state: CkptState,
  client: ClientRef,
  handle: bigint,
  needs: AccessNeeds,
): Access {
  const open = findOpen(state, client, handle);
  const checkpoint = open === undefined ? undefined : state.checkpoints.get(open.checkpoint);
  if (open === undefined || checkpoint === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
  if (needs.right !== undefined && (open.flags & needs.right) === 0) {
    return { rc: SA_AIS_ERR_ACCESS };
  }
  if (needs.data && checkpoint.activeNode === null && needsActiveReplica(checkpoint.attributes)) {
    return { rc: SA_AIS_ERR_NOT_EXIST };
  }
  return { checkpoint };
}
