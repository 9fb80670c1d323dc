/**
 * CLM, the cluster membership service (AIS B.4): who is a member, since which view, and news of every
 * change. Pure; the view itself is the host's (`View`), CLM numbers it, keeps each member's history and
 * tells subscribers exactly once per view.
 *
 * @packageDocumentation
 */
import { defineService } from '@aisexec/service';
import { CLM_SERVICE } from '../protocol.ts';
import { exec, lib } from './handlers.ts';
import { type ClmState, clientKey, createState } from './state.ts';
import { clmChunk, load, merge, save } from './sync.ts';
import { onView } from './views.ts';

export type { ClmState } from './state.ts';

export const clmService = defineService<ClmState>({
  id: 1,
  name: CLM_SERVICE,
  versions: [
    { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
    { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
  ],
  init: createState,
  lib,
  exec,
  confchg: onView,
  clientGone: (state, client) => {
    state.tracks.delete(clientKey(client));
  },
  sync: { chunk: clmChunk, save, load, merge },
  inspect: (state) => ({
    viewNumber: state.viewNumber.toString(),
    members: [...state.members.values()].map((member) => ({
      ...member,
      bootTime: member.bootTime.toString(),
      initialView: member.initialView.toString(),
    })),
    tracking: state.tracks.size,
  }),
});
