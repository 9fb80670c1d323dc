/**
 * Telling those who watch a checkpoint what changed (ADR 0115). Like all callbacks from exec handlers these
 * are no-ops but on the node of the client, so every member reckons them and no member knows which it is.
 */
import type { ExecContext } from '@aisexec/service';
import { WATCH_DATA_BYTES_MAX } from '../limits.ts';
import {
  SECTION_CHANGED,
  SECTION_CHANGES_LOST,
  type SectionChangedCallback,
  type SectionChangeKind,
  type WatchRef,
} from '../protocol.ts';
import { isPresent, readData } from './section-data.ts';
import type { Checkpoint, Watch } from './state.ts';

/** All watches are of the lowest priority: their changes wait in one order and are dropped first. */
const PRIORITY = 3;

/** After a change of one section, of which the state holds what is left. */
export function tellWatches(
  checkpoint: Checkpoint,
  change: SectionChangeKind,
  sectionId: string,
  ctx: ExecContext,
): void {
  if (checkpoint.watches.size === 0) return;
  const content = checkpoint.sections.get(sectionId)?.data;
  const size = content?.size ?? 0;
  const known = { change, sectionId, order: ctx.order, time: ctx.time, size };
  const present = content !== undefined && isPresent(content, 0, size);
  let data: Uint8Array | null = null;
  for (const watch of checkpoint.watches.values()) {
    if (watch.section !== null && watch.section !== sectionId) continue;
    const carries = watch.data && present && size <= WATCH_DATA_BYTES_MAX;
    if (carries) data ??= readData(content, 0, size);
    const { client, handle, serial } = watch;
    const payload: SectionChangedCallback = {
      ...{ handle, serial, ...known },
      data: carries ? data : null,
    };
    ctx.callback(client, SECTION_CHANGED, payload, { priority: PRIORITY, lost: gap(watch) });
  }
}

/** These watches may have missed changes. */
export function tellGap(watches: readonly Watch[], ctx: ExecContext): void {
  for (const watch of watches) {
    const lost = gap(watch);
    ctx.callback(watch.client, lost.name, lost.payload, { priority: PRIORITY, lost });
  }
}

function gap({ handle, serial }: Watch): { readonly name: string; readonly payload: WatchRef } {
  return { name: SECTION_CHANGES_LOST, payload: { handle, serial } };
}
