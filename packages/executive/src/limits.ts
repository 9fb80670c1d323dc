/** Bounds of the executive. Every one has a row in docs/LIMITS.md. */

/** Largest configuration file in bytes. */
export const CONFIG_BYTES_MAX = 1_048_576;
/** Nodes in a nodelist; Corosync's arrays have this size (totem-wire §4.7). */
export const NODELIST_MAX = 384;
/** Problems of one configuration that are reported. */
export const CONFIG_PROBLEMS_MAX = 50;

/** Largest UDP payload over IPv4. */
export const DATAGRAM_BYTES_MAX = 65_507;
/** Shortest datagram that can be a Totem packet: its header. */
export const DATAGRAM_BYTES_MIN = 13;
/** Packets of this node to itself that are handled in one turn of the event loop. */
export const SELF_PACKETS_PER_TURN = 64;
/** Packets of this node to itself that wait; more are lost like any datagram. */
export const SELF_PACKETS_MAX = 1_024;
/** Receive and send buffer asked of the kernel, as Corosync does (totem-wire §1.9). */
export const SOCKET_BUFFER_BYTES = 2_179_072;

/** Datagrams of one sendmmsg; more leave with the next. */
export const SEND_BATCH = 128;
/** Bytes of one sendmmsg; at least a datagram. */
export const SEND_ARENA_BYTES = 1_048_576;
/** Datagrams of one recvmmsg, and how many of those run before the event loop goes on. */
export const RECEIVE_BATCH = 32;
export const RECEIVE_BATCHES_PER_TURN = 4;
/** Room for one received datagram: the largest there is. */
export const RECEIVE_SLOT_BYTES = 65_536;
/** Received packets share memory of this size. */
export const RECEIVE_SLAB_BYTES = 262_144;
/** Sources whose decoded address is remembered; at the bound all are forgotten. */
export const SOURCES_KNOWN_MAX = 1_024;
/** Entries of the error queue that are read at once. */
export const REFUSALS_PER_READ = 256;
/** A dead peer that the ring does not need gets one packet in this time, in milliseconds. */
export const SPARED_PROBE_MS = 50;

/** Milliseconds that a stop waits for the last packets to leave. */
export const LEAVE_DRAIN_MS = 50;
/** Bytes of log that wait for a slow reader; more are dropped. */
export const LOG_BYTES_MAX = 1_048_576;

/** What may wait for a slow client where CPG runs: libcpg's clients have no bound at all. */
export const CPG_OUTBOUND_BYTES_MAX = 67_108_864;
export const CPG_OUTBOUND_FRAMES_MAX = 65_536;

/** Events of Corosync's libraries that are handled in one turn of the event loop. */
export const COROSYNC_EVENTS_PER_TURN = 256;
/** Between two attempts to reach Corosync, in milliseconds: from the first to the second value, doubling. */
export const COROSYNC_RETRY_MS_MIN = 100;
export const COROSYNC_RETRY_MS_MAX = 5_000;
/** Milliseconds that the first attempt may take before Corosync counts as standing still. */
export const COROSYNC_OPEN_MS_MAX = 5_000;
/** Milliseconds between a member's signs of life in the group. */
export const COROSYNC_TICK_MS = 250;
/** Milliseconds between two attempts to send what Corosync had no room for: from the first to the second. */
export const COROSYNC_FULL_MS_MIN = 1;
export const COROSYNC_FULL_MS_MAX = 32;
