/**
 * The lock service (AIS LCK B.01.01 and B.03.01): named resources, shared and exclusive locks with
 * fencing tokens, granted in a quorate history only.
 *
 * @packageDocumentation
 */
import { defineService, type ServiceDefinition } from '@aisexec/service';
import { LCK_SERVICE_ID, LCK_SERVICE_NAME, LCK_VERSIONS } from '../protocol.ts';
import { exec, lib } from './handlers.ts';
import { inspect } from './inspect.ts';
import { initialState, type LckState } from './state.ts';
import { chunk, load, merge, save } from './sync.ts';
import { clientGone, confchg, replaced } from './views.ts';

export type { LckState } from './state.ts';
export type { LckChunk } from './sync.ts';

/** The lock service, for an executive's list of services. */
export const lckService: ServiceDefinition<LckState> = defineService<LckState>({
  id: LCK_SERVICE_ID,
  name: LCK_SERVICE_NAME,
  versions: LCK_VERSIONS,
  init: initialState,
  lib,
  exec,
  confchg,
  clientGone,
  replaced,
  sync: { chunk, save, load, merge },
  inspect,
});
