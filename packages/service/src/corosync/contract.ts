/**
 * A service in Corosync's own format, beside the replicated services of contract.ts: its messages travel in
 * group `a` where the C daemons read them, its state is brought together in Corosync's synchronisation
 * (totem-wire §4). Such a service is part of what makes a node a citizen of a Corosync ring.
 */
import type { Guarantee, RingId } from '@aisexec/totem';
import type { SyncParticipant } from '../sync/engine.ts';

/** Group `a`, as a service sees it. */
export interface CorosyncBus {
  readonly nodeId: number;
  /**
   * Sends one exec message (exec-message.ts), `agreed` by default, in one piece or with `rest` behind it; both are copied.
   * The C daemons take every guarantee for agreed.
   * @returns false when the queue is full: nothing was taken, {@link CorosyncService.drained} follows.
   * @throws InvariantError for bytes that could harm a C daemon.
   */
  multicast(message: Uint8Array, guarantee?: Guarantee, rest?: Uint8Array): boolean;
}

export interface CorosyncService {
  /** 0..63; Corosync's number of the service. */
  readonly id: number;
  readonly name: string;
  /** One exec message of group `a`. @returns why it was dropped; undefined: it was not. */
  deliver(fn: number, source: number, message: Uint8Array): string | undefined;
  /** This service's step of the synchronisation; absent for a service that has none. */
  readonly sync?: Pick<SyncParticipant, 'init' | 'work' | 'activate' | 'abort'>;
  /** A regular configuration came: until `resumed` only the synchronisation may send. */
  suspended?(): void;
  /** Synchronisation is over. */
  resumed?(ringId: RingId): void;
  /** There is room again. */
  drained?(): void;
  /** For people and tools: JSON-safe. */
  inspect(): unknown;
}
