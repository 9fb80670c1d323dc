/**
 * The event service (AIS EVT B.01.01 and B.03.01): named channels, filters on patterns, priorities and
 * retention, in one total order over all publishers.
 *
 * @packageDocumentation
 */
import { defineService, type ServiceDefinition } from '@aisexec/service';
import { RETAINED_INLINE_BYTES_MAX } from '../limits.ts';
import { EVT_SERVICE_ID, EVT_SERVICE_NAME, EVT_VERSIONS } from '../protocol.ts';
import { exec, lib } from './handlers.ts';
import { inspect } from './inspect.ts';
import { expireRetained, nextExpiry } from './retention.ts';
import { type EvtState, initialState } from './state.ts';
import { createSync } from './sync.ts';
import { BOUNDS_SINCE } from './versions.ts';
import { clientGone, confchg, replaced } from './views.ts';

export type { EvtState } from './state.ts';
export type { EvtChunk } from './sync.ts';

export interface EvtServiceOptions {
  /** See {@link RETAINED_INLINE_BYTES_MAX}, which is what counts when absent. The same on all members. */
  readonly inlineBytesMax?: number;
}

/** The service with options, e.g. for a simulation in which every content follows in the background. */
export function createEvtService(options: EvtServiceOptions = {}): ServiceDefinition<EvtState> {
  return defineService<EvtState>({
    id: EVT_SERVICE_ID,
    name: EVT_SERVICE_NAME,
    versions: EVT_VERSIONS,
    version: BOUNDS_SINCE,
    init: initialState,
    lib,
    exec,
    confchg,
    clientGone,
    replaced,
    deadline: nextExpiry,
    expire: (state, ctx) => expireRetained(state, ctx.time),
    sync: createSync(options.inlineBytesMax ?? RETAINED_INLINE_BYTES_MAX),
    membersOnly: true,
    inspect,
  });
}

/** For the executive's list of services. */
export const evtService = createEvtService();
