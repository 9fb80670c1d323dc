/** The seam between the core and the driver that calls Corosync's libraries. */
import type { RingId } from '@aisexec/totem';
import type { QuorumOfRing } from './round.ts';

/** What libquorum says of one ring of Corosync; `votes` are this node's own. */
export interface RingQuorum extends QuorumOfRing {
  readonly ringSeq: number;
}

export interface CoreEffects {
  /** cpg_mcast_joined; the frame's memory is used again after the call. @returns false when Corosync has no room now. */
  send(frame: Uint8Array): boolean;
  /** Call `pump` soon, not from inside this call. */
  wake(): void;
  /** Make this sequence durable before it is used. Throws: the node stops. */
  store(ringId: RingId): void;
  /** The others go on without this node: call `disconnected`, leave the group and come back; not from inside. */
  rejoin(reason: string): void;
  /** Another process of this node is in the group already. */
  occupied(pid: number): void;
  trace(event: string, detail: Readonly<Record<string, unknown>>): void;
}

export interface CoreOptions {
  readonly nodeId: number;
  /** The highest view sequence of this node's former lives. */
  readonly highest: number;
  /** Wait for libquorum's word on the ring before a view; false: quorum is not asked. */
  readonly quorum: boolean;
  readonly effects: CoreEffects;
}
