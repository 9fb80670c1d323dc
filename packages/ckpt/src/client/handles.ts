/**
 * What is behind the 64-bit numbers of the literal layer: handles, opens and iterations, with what
 * belongs to what, so that closing one forgets all below it.
 */
import type { HandleTable } from '@aisexec/ais';
import { type AisHandle, createHandleTable } from '@aisexec/ipc';
import type { SectionIteration } from './iteration.ts';
import type {
  SaCkptCallbacksT,
  SaCkptCheckpointHandleT,
  SaCkptHandleT,
  SaCkptSectionIterationHandleT,
} from './literal-types.ts';
import type { Ask } from './requests.ts';

/** One `saCkptInitialize`. */
export interface CkptHandle {
  readonly ais: AisHandle;
  readonly ask: Ask;
  readonly callbacks: SaCkptCallbacksT;
  readonly opens: Set<SaCkptCheckpointHandleT>;
}

/** One open of a checkpoint; also the owner of its callbacks in the queue. */
export interface CkptOpen {
  id: SaCkptCheckpointHandleT;
  readonly handle: CkptHandle;
  readonly ask: Ask;
  readonly iterations: Set<SaCkptSectionIterationHandleT>;
  /** Requests that changed sections and were answered. */
  changes: number;
  closed: boolean;
}

export interface IterationEntry {
  readonly open: CkptOpen;
  readonly iteration: SectionIteration;
}

export class CkptTables {
  readonly handles: HandleTable<'SaCkptHandleT', CkptHandle> = createHandleTable();
  readonly opens: HandleTable<'SaCkptCheckpointHandleT', CkptOpen> = createHandleTable();
  readonly iterations: HandleTable<'SaCkptSectionIterationHandleT', IterationEntry> =
    createHandleTable();

  addHandle(ais: AisHandle, callbacks: SaCkptCallbacksT): SaCkptHandleT {
    const ask: Ask = (fn, request) => ais.request(fn, request);
    return this.handles.add({ ais, ask, callbacks, opens: new Set() });
  }

  addOpen(handle: CkptHandle): CkptOpen {
    const open: CkptOpen = {
      id: 0n as SaCkptCheckpointHandleT,
      handle,
      ask: handle.ask,
      iterations: new Set(),
      changes: 0,
      closed: false,
    };
    open.id = this.opens.add(open);
    handle.opens.add(open.id);
    return open;
  }

  addIteration(open: CkptOpen, iteration: SectionIteration): SaCkptSectionIterationHandleT {
    const id = this.iterations.add({ open, iteration });
    open.iterations.add(id);
    return id;
  }

  forgetIteration(id: SaCkptSectionIterationHandleT): void {
    this.iterations.get(id)?.open.iterations.delete(id);
    this.iterations.delete(id);
  }

  /** The iterations and the queued callbacks of an open go with it. */
  forgetOpen(open: CkptOpen): void {
    open.closed = true;
    for (const id of open.iterations) this.iterations.delete(id);
    open.handle.ais.dropCallbacks(open);
    open.handle.opens.delete(open.id);
    this.opens.delete(open.id);
  }

  forgetHandle(id: SaCkptHandleT): void {
    for (const openId of this.handles.get(id)?.opens ?? []) {
      const open = this.opens.get(openId);
      if (open !== undefined) this.forgetOpen(open);
    }
    this.handles.delete(id);
  }
}
