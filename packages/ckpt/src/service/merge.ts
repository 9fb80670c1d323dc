/**
 * One state out of the states of several old rings (ADR 0083), and what its clients must be told.
 *
 * The parts come winner first. An instance is the same by its id, else by its linked name. Where two
 * parts hold the same one, the earlier part's attributes and sections win and sections that only the
 * later part has are added as far as the attributes allow. What only a later part has is kept. Opens of
 * every part stay open and point to the instance that survived. Of a superseded part, which accepted no content, nothing is
 * taken but what its clients have open and the winner lacks (ADR 0127). Otherwise nobody's delete is remembered: what
 * one side deleted and the other kept comes back.
 */
import type { ClientRef, ExecContext, StatePart } from '@aisexec/service';
import { CHECKPOINTS_MAX, SECTIONS_MAX } from '../limits.ts';
import { CHECKPOINT_REPLACED } from '../protocol.ts';
import { lowerDue } from './retention.ts';
import { hasRoom } from './sections.ts';
import {
  addCheckpoint,
  addOpen,
  addSection,
  type Checkpoint,
  type CkptState,
  createState,
  findOpen,
  type Section,
  watchesOf,
  watchKey,
} from './state.ts';
import { tellGap } from './watches.ts';

/** Builds a state of its own; the parts stay as they are, but their pages of data are shared with it. */
export function merge(parts: readonly StatePart<CkptState>[]): CkptState {
  const merged = createState();
  for (const part of parts) mergePart(merged, part);
  return merged;
}

/** Tells those whose checkpoint has another content now than their own ring gave it. */
export function replaced(before: CkptState, after: CkptState, ctx: ExecContext): void {
  const changed = new Map<string, boolean>();
  for (const { client, opens } of before.clients.values()) {
    for (const [handle, open] of opens) {
      const survivor = findOpen(after, client, handle)?.checkpoint;
      if (survivor !== undefined && !changed.has(open.checkpoint)) {
        const [old, now] = [
          before.checkpoints.get(open.checkpoint),
          after.checkpoints.get(survivor),
        ];
        changed.set(
          open.checkpoint,
          old !== undefined && now !== undefined && !sameContent(old, now),
        );
      }
      if (survivor === undefined || changed.get(open.checkpoint)) {
        ctx.callback(client, CHECKPOINT_REPLACED, { handle, lost: survivor === undefined });
        const checkpoint = after.checkpoints.get(survivor ?? '');
        if (checkpoint !== undefined) tellGap(watchesOf(checkpoint, client, handle), ctx);
      }
    }
  }
}

function mergePart(merged: CkptState, part: StatePart<CkptState>): void {
  const survivors = new Map<string, string>();
  const isOlder = part.superseded === true;
  const inUse = isOlder ? openedBy(part) : undefined;
  for (const checkpoint of part.state.checkpoints.values()) {
    const survivor = findSurvivor(merged, checkpoint);
    if (survivor === undefined) {
      if (inUse?.has(checkpoint.id) === false) continue;
      if (!adoptCheckpoint(merged, checkpoint)) continue;
      survivors.set(checkpoint.id, checkpoint.id);
    } else {
      if (!isOlder) adoptSections(merged, survivor, checkpoint);
      survivor.activeNode ??= checkpoint.activeNode;
      survivors.set(checkpoint.id, survivor.id);
    }
  }
  const members = new Set(part.members);
  for (const { client, opens } of part.state.clients.values()) {
    if (!members.has(client.node)) continue;
    for (const [handle, open] of opens) {
      const checkpoint = survivors.get(open.checkpoint);
      if (checkpoint === undefined) continue;
      addOpen(merged, client, handle, { checkpoint, flags: open.flags });
      moveWatches(part.state.checkpoints.get(open.checkpoint), merged, client, handle);
    }
  }
}

/** Checkpoints that clients of the part's own members have open. */
function openedBy({ state, members }: StatePart<CkptState>): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { client, opens } of state.clients.values()) {
    if (!members.includes(client.node)) continue;
    for (const { checkpoint } of opens.values()) ids.add(checkpoint);
  }
  return ids;
}

/** The watches of an open follow it. */
function moveWatches(
  from: Checkpoint | undefined,
  merged: CkptState,
  client: ClientRef,
  handle: bigint,
): void {
  const open = findOpen(merged, client, handle);
  const to = open === undefined ? undefined : merged.checkpoints.get(open.checkpoint);
  if (from === undefined || to === undefined) return;
  for (const watch of watchesOf(from, client, handle)) {
    to.watches.set(watchKey(client, handle, watch.serial), watch);
  }
}

function findSurvivor(merged: CkptState, checkpoint: Checkpoint): Checkpoint | undefined {
  const same = merged.checkpoints.get(checkpoint.id);
  if (same !== undefined || !checkpoint.linked) return same;
  return merged.checkpoints.get(merged.names.get(checkpoint.name) ?? '');
}

/** @returns false when the merged store has no room for it. */
function adoptCheckpoint(merged: CkptState, checkpoint: Checkpoint): boolean {
  const fits =
    merged.checkpoints.size < CHECKPOINTS_MAX &&
    merged.sections + checkpoint.sections.size <= SECTIONS_MAX &&
    hasRoom(merged, checkpoint.bytes);
  if (!fits) return false;
  const attributes = { ...checkpoint.attributes };
  const fresh = {
    sections: new Map(),
    watches: new Map(),
    due: null,
    openers: 0,
    bytes: 0,
    digest: 0,
  };
  const copy: Checkpoint = { ...checkpoint, attributes, ...fresh };
  addCheckpoint(merged, copy);
  for (const [key, section] of checkpoint.sections) {
    addSection(merged, copy, key, copySection(section, section.serial));
  }
  if (checkpoint.due !== null) lowerDue(merged, copy, checkpoint.due);
  return true;
}

function adoptSections(merged: CkptState, survivor: Checkpoint, loser: Checkpoint): void {
  const { maxSections, maxSectionSize, maxSectionIdSize } = survivor.attributes;
  for (const [key, section] of loser.sections) {
    const fits =
      !survivor.sections.has(key) &&
      key.length > 0 &&
      key.length <= maxSectionIdSize &&
      section.data.size <= maxSectionSize &&
      survivor.sections.size < maxSections &&
      merged.sections < SECTIONS_MAX &&
      hasRoom(merged, section.data.size);
    if (!fits) continue;
    addSection(merged, survivor, key, copySection(section, survivor.nextSerial++));
    lowerDue(merged, survivor, section.expirationTime);
  }
}

function copySection(section: Section, serial: number): Section {
  const data = { size: section.data.size, pages: [...section.data.pages] };
  const { expirationTime, lastUpdate, version } = section;
  return { serial, data, expirationTime, lastUpdate, version, mark: 0 };
}

function sameContent(a: Checkpoint, b: Checkpoint): boolean {
  if (a.sections.size !== b.sections.size) return false;
  for (const [key, section] of a.sections) {
    const other = b.sections.get(key);
    if (other === undefined || section.version !== other.version) return false;
  }
  return true;
}
