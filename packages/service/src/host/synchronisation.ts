/** The sync engine of a host with the synchronisation of its services' states as the first participant. */
import type { GroupMessaging, RingId } from '@aisexec/totem';
import { createSyncEngine, type SyncEngine, type SyncParticipant } from '../sync/engine.ts';
import { createStateSync, type StateSyncOptions } from '../sync/state-sync.ts';

export interface SynchronisationOptions
  extends Pick<
    StateSyncOptions,
    'replicas' | 'hello' | 'proposed' | 'activated' | 'aborted' | 'dropped'
  > {
  readonly messaging: GroupMessaging;
  /** Further participants, in their order. */
  readonly participants: readonly SyncParticipant[];
  readonly started: (ringId: RingId) => void;
  readonly completed: (ringId: RingId) => void;
}

/** From this call on synchronisation may run. */
export function startSynchronisation(options: SynchronisationOptions): void {
  const { started, completed, participants, ...state } = options;
  const { messaging, dropped } = state;
  // The engine is made last: its join may begin a synchronisation.
  let engine: SyncEngine | undefined;
  const stateSync = createStateSync({ ...state, proceed: () => engine?.proceed() });
  engine = createSyncEngine({
    ...{ messaging, started, completed, dropped },
    participants: [stateSync, ...participants],
  });
}
