/**
 * The lock service (AIS LCK B.01.01 and B.03.01): named resources, shared and exclusive locks with
 * fencing tokens, granted in a quorate history only.
 *
 * @packageDocumentation
 */
import { defineService, type ServiceDefinition } from '@aisexec/service';
import { LCK_SERVICE_ID, LCK_SERVICE_NAME, LCK_VERSIONS } from '../protocol.ts';
import { createLib, exec } from './handlers.ts';
import { inspect } from './inspect.ts';
import { digest } from './marks.ts';
import { initialState, type LckFairness, type LckState } from './state.ts';
import { chunk, load, merge, save } from './sync.ts';
import { OPENS_BOUND_SINCE } from './versions.ts';
import { clientGone, confchg, replaced } from './views.ts';

export { checkTable } from './check-table.ts';
export type { LckFairness, LckState } from './state.ts';
export type { LckChunk } from './sync.ts';

export interface LckServiceOptions {
  /**
   * The order of grants that this node proposes, `standard` by default. A cluster has one: what the node of its first
   * client proposed (ADR 0121).
   */
  readonly fairness?: LckFairness;
  /** uids whose clients may revoke locks, in the place of operators. An unknown uid (-1) never may. */
  readonly administrators?: readonly number[];
}

/** The lock service, for an executive's list of services. */
export function createLckService(options: LckServiceOptions = {}): ServiceDefinition<LckState> {
  return defineService<LckState>({
    id: LCK_SERVICE_ID,
    name: LCK_SERVICE_NAME,
    versions: LCK_VERSIONS,
    version: OPENS_BOUND_SINCE,
    init: initialState,
    lib: createLib(options),
    exec,
    confchg,
    clientGone,
    replaced,
    sync: { chunk, save, load, merge, digest },
    membersOnly: true,
    inspect,
  });
}

/** The lock service with the standard's order of grants. */
export const lckService: ServiceDefinition<LckState> = createLckService();
