/**
 * The event service (AIS EVT B.01.01 and B.03.01): named channels, filters on patterns, priorities and
 * retention, in one total order over all publishers.
 *
 * @packageDocumentation
 */
import { defineService, type ServiceDefinition } from '@aisexec/service';
import { EVT_SERVICE_ID, EVT_SERVICE_NAME, EVT_VERSIONS } from '../protocol.ts';
import { exec, lib } from './handlers.ts';
import { inspect } from './inspect.ts';
import { expireRetained, nextExpiry } from './retention.ts';
import { type EvtState, initialState } from './state.ts';
import { chunk, digest, load, merge, save } from './sync.ts';
import { clientGone, confchg, replaced } from './views.ts';

export type { EvtState } from './state.ts';
export type { EvtChunk } from './sync.ts';

/** The event service, for an executive's list of services. */
export const evtService: ServiceDefinition<EvtState> = defineService<EvtState>({
  id: EVT_SERVICE_ID,
  name: EVT_SERVICE_NAME,
  versions: EVT_VERSIONS,
  init: initialState,
  lib,
  exec,
  confchg,
  clientGone,
  replaced,
  deadline: nextExpiry,
  expire: (state, ctx) => expireRetained(state, ctx.time),
  sync: { chunk, save, load, merge, digest },
  membersOnly: true,
  inspect,
});
