/**
 * How sections and checkpoints end by time (AIS-CKPT B.3 rules 6 and 7): sections at their expiration
 * time, checkpoints when their retention, counted from the last close, is over.
 *
 * A checkpoint keeps a lower bound of what ends next (`due`), the state one of all checkpoints. Setting a
 * time lowers the bounds; only an expiry, which looks at everything that is due anyway, makes them exact
 * again. So no operation pays for a sorted index, and a bound that is too low costs one empty expiry.
 */
import { SA_TIME_END, type SaTimeT } from '@aisexec/ais';
import type { ClientRef, ExecContext } from '@aisexec/service';
import { EXPIRY_STEP_NS } from '../limits.ts';
import {
  type Checkpoint,
  type CkptState,
  removeCheckpoint,
  removeOpen,
  removeSection,
  type Section,
} from './state.ts';
import { tellWatches } from './watches.ts';

/** Something of this checkpoint ends at `time`. */
export function lowerDue(state: CkptState, checkpoint: Checkpoint, time: SaTimeT): void {
  if (time >= SA_TIME_END) return;
  if (checkpoint.due === null || time < checkpoint.due) checkpoint.due = time;
  if (state.due === null || time < state.due) state.due = time;
}

/** Close one handle. @returns false when it was not open. */
export function closeOpen(
  state: CkptState,
  client: ClientRef,
  handle: bigint,
  now: SaTimeT,
): boolean {
  const checkpoint = removeOpen(state, client, handle);
  if (checkpoint === undefined) return false;
  if (checkpoint.openers === 0) released(state, checkpoint, now);
  else if (checkpoint.activeNode === client.node && !isOpenAt(state, checkpoint, client.node)) {
    checkpoint.activeNode = null;
  }
  return true;
}

/** Close everything that a client had open, or so much of it. @returns whether more is left. */
export function closeClient(
  state: CkptState,
  key: string,
  now: SaTimeT,
  opensMax = Number.POSITIVE_INFINITY,
): boolean {
  const entry = state.clients.get(key);
  if (entry === undefined) return false;
  let room = opensMax;
  for (const handle of entry.opens.keys()) {
    if (room-- <= 0) return true;
    closeOpen(state, entry.client, handle, now);
  }
  return false;
}

/** Nobody has it open any more: delete it, or let its retention begin. */
export function released(state: CkptState, checkpoint: Checkpoint, now: SaTimeT): void {
  const retention = checkpoint.attributes.retentionDuration;
  checkpoint.activeNode = null;
  if (!checkpoint.linked || retention === 0n) {
    removeCheckpoint(state, checkpoint);
    return;
  }
  checkpoint.retainUntil = now + retention;
  if (checkpoint.retainUntil > SA_TIME_END) checkpoint.retainUntil = SA_TIME_END;
  lowerDue(state, checkpoint, checkpoint.retainUntil);
}

/** The next time at which {@link expire} is worth an ordered message, rounded up to a step. */
export function deadline(state: CkptState): bigint | null {
  if (state.due === null) return null;
  return ((state.due + EXPIRY_STEP_NS - 1n) / EXPIRY_STEP_NS) * EXPIRY_STEP_NS;
}

/** Drops every section and checkpoint whose time has come. */
export function expire(state: CkptState, ctx: ExecContext): void {
  const now = ctx.time;
  let next: SaTimeT | null = null;
  for (const checkpoint of state.checkpoints.values()) {
    if (checkpoint.due !== null && checkpoint.due <= now) expireCheckpoint(state, checkpoint, ctx);
    if (checkpoint.due !== null && (next === null || checkpoint.due < next)) next = checkpoint.due;
  }
  state.due = next;
}

function expireCheckpoint(state: CkptState, checkpoint: Checkpoint, ctx: ExecContext): void {
  const now = ctx.time;
  checkpoint.due = null;
  if (checkpoint.retainUntil !== null && checkpoint.retainUntil <= now) {
    removeCheckpoint(state, checkpoint);
    return;
  }
  if (checkpoint.retainUntil !== null) lowerDue(state, checkpoint, checkpoint.retainUntil);
  const ended: (readonly [key: string, section: Section])[] = [];
  for (const [key, section] of checkpoint.sections) {
    if (section.expirationTime <= now) ended.push([key, section]);
    else lowerDue(state, checkpoint, section.expirationTime);
  }
  // One late message may end many: watches are told in the order in which they were to end.
  ended.sort(([, a], [, b]) => Number(a.expirationTime - b.expirationTime) || a.serial - b.serial);
  for (const [key] of ended) {
    removeSection(state, checkpoint, key);
    tellWatches(checkpoint, 'expired', key, ctx);
  }
}

function isOpenAt(state: CkptState, checkpoint: Checkpoint, node: number): boolean {
  for (const { client, opens } of state.clients.values()) {
    if (client.node !== node) continue;
    for (const open of opens.values()) if (open.checkpoint === checkpoint.id) return true;
  }
  return false;
}
