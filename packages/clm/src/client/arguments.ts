/** Checks of what a caller hands to the literal layer (the table of AIS B.4). */
import {
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_OK,
  SA_TIME_END,
  SA_TIME_ONE_MILLISECOND,
  SA_TRACK_CHANGES,
  SA_TRACK_CHANGES_ONLY,
  SA_TRACK_CURRENT,
  SA_TRACK_LOCAL,
  SA_TRACK_START_STEP,
  SA_TRACK_VALIDATE_STEP,
  type SaAisErrorT,
} from '@aisexec/ais';
import { deadlineOf, type Reply } from '@aisexec/ipc';
import type { TrackMode } from '../protocol.ts';
import type { Generation } from './convert.ts';
import { CLM_LOCAL_ANSWER_MS } from './limits.ts';

const STEPS = SA_TRACK_START_STEP | SA_TRACK_VALIDATE_STEP;
const ANY_CHANGES = SA_TRACK_CHANGES | SA_TRACK_CHANGES_ONLY;
const B01_FLAGS = SA_TRACK_CURRENT | ANY_CHANGES | SA_TRACK_LOCAL;

/** BAD_FLAGS for unknown bits and forbidden combinations. Steps are for B.04 handles only. */
export function checkTrackFlags(flags: number, generation: Generation): SaAisErrorT {
  const known = generation === 1 ? B01_FLAGS : B01_FLAGS | STEPS;
  const isKnown = Number.isInteger(flags) && flags >= 0 && flags <= known && (flags & ~known) === 0;
  if (!isKnown) return SA_AIS_ERR_BAD_FLAGS;
  if ((flags & (SA_TRACK_CURRENT | ANY_CHANGES)) === 0) return SA_AIS_ERR_BAD_FLAGS;
  if ((flags & ANY_CHANGES) === ANY_CHANGES) return SA_AIS_ERR_BAD_FLAGS;
  if ((flags & STEPS) === 0) return SA_AIS_OK;
  return (flags & ANY_CHANGES) === 0 ? SA_AIS_ERR_BAD_FLAGS : SA_AIS_OK;
}

/** What to subscribe to; undefined for a pure CURRENT request. */
export function modeOf(flags: number): TrackMode | undefined {
  if ((flags & SA_TRACK_CHANGES) !== 0) return 'changes';
  return (flags & SA_TRACK_CHANGES_ONLY) !== 0 ? 'changes-only' : undefined;
}

export function isLocal(flags: number): boolean {
  return (flags & SA_TRACK_LOCAL) !== 0;
}

/** The reply, or TIMEOUT. A time-out of 0 is OK where the executive answers from its own state (AIS F.3b). */
export async function withinTimeout(pending: Promise<Reply>, timeout: bigint): Promise<Reply> {
  if (timeout === SA_TIME_END) return pending;
  const timeoutMs =
    timeout === 0n ? CLM_LOCAL_ANSWER_MS : Number(timeout) / Number(SA_TIME_ONE_MILLISECOND);
  const deadline = deadlineOf({ timeoutMs }, 'saClmClusterNodeGet');
  return deadline.race(pending).catch(() => ({ rc: SA_AIS_ERR_TIMEOUT }));
}
