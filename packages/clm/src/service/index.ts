/**
 * CLM, the cluster membership service (AIS B.4): who is a member, since which view, and news of every
 * change. Pure; the view itself is the host's (`View`), CLM numbers it, keeps each member's history and
 * each node's administrative state, and tells subscribers exactly once per view.
 *
 * @packageDocumentation
 */
import { defineService, type ServiceDefinition } from '@aisexec/service';
import { CLM_SERVICE } from '../protocol.ts';
import { adminStateOf, createLibHandlers, exec } from './handlers.ts';
import { deadline, expire, forgetCaller, settle } from './operations.ts';
import { admissionOf, type ClmState, createState, dropTrack } from './state.ts';
import { clmChunk, load, merge, save } from './sync.ts';
import { onView } from './views.ts';

export type { ClmState } from './state.ts';

export interface ClmServiceOptions {
  /**
   * uids whose clients may lock, unlock and shut down nodes, for embedders without roles. An unknown uid (-1) never
   * may. Absent: clients with the role `operator`, which is right for an executive.
   */
  readonly administrators?: readonly number[];
}

/** The membership service. */
export function createClmService({
  administrators,
}: ClmServiceOptions = {}): ServiceDefinition<ClmState> {
  return defineService<ClmState>({
    id: 1,
    name: CLM_SERVICE,
    versions: [
      { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
      { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
    ],
    init: createState,
    lib: createLibHandlers(administrators),
    exec,
    confchg: onView,
    clientGone: (state, client, ctx) => {
      dropTrack(state, client);
      forgetCaller(state, client);
      settle(state, ctx);
    },
    deadline,
    expire,
    admission: (state, nodeId) => (state.members.has(nodeId) ? admissionOf(state, nodeId) : null),
    sync: { chunk: clmChunk, save, load, merge },
    inspect,
  });
}

/** The service whose administrators are the operators. */
export const clmService: ServiceDefinition<ClmState> = createClmService();

function inspect(state: ClmState): unknown {
  const nodes = new Set([...state.records.keys(), ...state.operations.keys()]);
  return {
    viewNumber: state.viewNumber.toString(),
    members: [...state.members.values()].map((member) => ({
      ...member,
      bootTime: member.bootTime.toString(),
      initialView: member.initialView.toString(),
    })),
    tracking: state.tracks.size,
    administered: [...nodes]
      .sort((a, b) => a - b)
      .map((nodeId) => ({ nodeId, state: adminStateOf(state, nodeId) })),
    operations: [...state.operations.values()].map(({ nodeId, kind, step, owed }) => ({
      nodeId,
      kind,
      step,
      owed,
    })),
  };
}
