/**
 * The contract of the group-messaging layer (totem_pg), the same for every engine: the built-in ring,
 * Corosync through libcpg, the simulator's memory bus. Services are written against this file alone.
 *
 * Delivery obeys extended virtual synchrony (Moser, Amir, Melliar-Smith, Agarwal 1994): all members see
 * the same messages and configurations in one order, and members that go together from one regular
 * configuration to the next delivered the same messages in between.
 */

/** Identity of a ring: its representative and a sequence that rises with every ring (Totem §4). */
export interface RingId {
  /** nodeid of the representative, the lowest member when the ring was formed. */
  readonly rep: number;
  /** Rises by 4 for every new ring, durable over restarts. A safe integer. */
  readonly seq: number;
}

export function ringIdEquals(a: RingId, b: RingId): boolean {
  return a.rep === b.rep && a.seq === b.seq;
}

/** `rep.seq`, both decimal: the form used in logs, traces and file names. */
export function ringIdText(ringId: RingId): string {
  return `${ringId.rep}.${ringId.seq}`;
}

/**
 * `agreed`: in the total order. `safe`: besides, delivered only when every member of the configuration
 * is known to have the message.
 */
export type Guarantee = 'agreed' | 'safe';

/**
 * A configuration change, delivered in the total order.
 * `transitional`: the members of the old ring that go on together; what is delivered between it and the
 * next regular one is the remainder of the old ring. `regular`: the new ring.
 */
export interface Configuration {
  readonly type: 'regular' | 'transitional';
  /** The new ring for a regular configuration, the old ring for a transitional one. */
  readonly ringId: RingId;
  /** nodeids, ascending. */
  readonly members: readonly number[];
  /** transitional: old members that do not come along; regular: always empty. Ascending. */
  readonly left: readonly number[];
  /** regular: members that were not in the transitional one; transitional: always empty. Ascending. */
  readonly joined: readonly number[];
}

export interface GroupMessage {
  readonly group: string;
  /** nodeid of the sender. */
  readonly source: number;
  /** The ring in which the message was sent (and ordered). */
  readonly ringId: RingId;
  /** Valid only during the call: the memory belongs to the engine. Copy what you keep. */
  readonly bytes: Uint8Array;
}

/** Callbacks of one group. They run synchronously, in the total order, and must not throw. */
export interface GroupHandlers {
  deliver(message: GroupMessage): void;
  /** Every group of the node sees every configuration of the ring, the current one when it joins. */
  configuration(configuration: Configuration): void;
  /** After a `multicast` that returned false: there is room again. */
  drained?(): void;
}

export interface GroupOptions {
  /**
   * `sync`: this group's messages travel while synchronisation runs, through a queue of their own.
   * What of it was not delivered when the next regular configuration comes is dropped: that
   * synchronisation is over. While none runs it travels as `normal` traffic.
   * `normal` (default): what is submitted between a regular configuration and `syncComplete` waits.
   */
  readonly traffic?: 'normal' | 'sync';
  /**
   * `resend` (default): a message is delivered in the one configuration in which all of it was ordered;
   * what a configuration change cuts or overtakes is dropped by all members and sent again by its sender.
   * `deliver`: Corosync's format, without a stamp: what a Corosync daemon sends across a change is delivered by
   * members of both configurations, and not by joiners; what we send belongs to one (ADR 0212). The default, and
   * the only choice, for Corosync's own groups `a` and `sync`.
   */
  readonly straddling?: 'resend' | 'deliver';
}

export interface Group {
  /**
   * Submits one message to the total order; it is delivered here, too. The parts are copied.
   * @returns false when the queue is full: nothing was taken, `drained` will be called.
   */
  multicast(parts: readonly Uint8Array[], guarantee: Guarantee): boolean;
  leave(): void;
}

export interface MessagingStats {
  readonly [counter: string]: number;
}

export interface GroupMessaging {
  readonly nodeId: number;
  /** Names are 1 to 32 bytes of ASCII. One set of handlers per name and node. */
  join(group: string, handlers: GroupHandlers, options?: GroupOptions): Group;
  /**
   * Synchronisation for this regular configuration is over on this node: normal traffic resumes.
   * Called at the same place of the total order on all members; a stale ring id is ignored.
   */
  syncComplete(ringId: RingId): void;
  stats(): MessagingStats;
}

/** Largest message of a group in bytes, all parts together (Corosync's assembly buffer, Totem pg §2). */
export const MESSAGE_BYTES_MAX = 1_048_576;
