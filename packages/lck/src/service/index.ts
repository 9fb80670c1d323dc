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
import { initialState, type LckFairness, type LckState } from './state.ts';
import { chunk, load, merge, save } from './sync.ts';
import { clientGone, confchg, replaced } from './views.ts';

export type { LckFairness, LckState } from './state.ts';
export type { LckChunk } from './sync.ts';

export interface LckServiceOptions {
  /** The order of grants, the same on all nodes of a cluster; `standard` by default. */
  readonly fairness?: LckFairness;
}

/**
 * The lock service, for an executive's list of services. Nodes that disagree on an option are reported as
 * diverged replicas when they meet.
 */
export function createLckService(options: LckServiceOptions = {}): ServiceDefinition<LckState> {
  return defineService<LckState>({
    id: LCK_SERVICE_ID,
    name: LCK_SERVICE_NAME,
    versions: LCK_VERSIONS,
    init: () => initialState(options.fairness),
    lib,
    exec,
    confchg,
    clientGone,
    replaced,
    sync: { chunk, save, load, merge },
    inspect,
  });
}

/** The lock service with the standard's order of grants. */
export const lckService: ServiceDefinition<LckState> = createLckService();
