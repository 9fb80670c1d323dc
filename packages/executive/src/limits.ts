/** Bounds of the executive. Every one has a row in docs/LIMITS.md. */

/** Milliseconds that vetoes can put off a SIGTERM; below systemd's TimeoutStopSec of 90 s. */
export const VETO_DELAY_MS_MAX = 30_000;
/** Milliseconds between two times that everybody is asked after a SIGTERM. */
export const VETO_ASK_AGAIN_MS = 1_000;

/** Milliseconds that a quorate node waits for missing others before clients that return are let in without them. */
export const LONELINESS_MS_MAX = 20_000;

/** Largest configuration file in bytes: 384 nodes with eight links take less. A MiB of nested sequences can end V8 in the YAML library. */
export const CONFIG_BYTES_MAX = 262_144;
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
/** Datagrams that one send may be cut into by the kernel (UDP_MAX_SEGMENTS), and their bytes together. */
export const SEGMENTS_MAX = 64;
export const SEGMENTED_BYTES_MAX = 65_000;
/** Places for datagrams, or coalesced runs of them, of one recvmmsg. */
export const RECEIVE_BATCH = 32;
/**
 * After so many datagrams, and the rest of their batch, the event loop goes on. More than wait after a pause: they
 * explain the silence, and timers that are due follow the turn.
 */
export const RECEIVE_PER_TURN = 1_024;
/** Bytes that node:dgram may have waiting for the kernel; more are lost. */
export const SEND_QUEUE_BYTES_MAX = 2_179_072;
/** Room for one received datagram: the largest there is. */
export const RECEIVE_SLOT_BYTES = 65_536;
/** Sources whose decoded address is remembered; at the bound all are forgotten. */
export const SOURCES_KNOWN_MAX = 1_024;
/** Entries of the error queue that are read at once. */
export const REFUSALS_PER_READ = 256;
/** A dead peer that the ring does not need gets one packet in this time, in milliseconds. */
export const SPARED_PROBE_MS = 50;

/** A longer file is no key file; comments included. */
export const KEY_FILE_BYTES_MAX = 4_096;
/** Bytes of a key's secret; what keygen draws is the least. */
export const KEY_SECRET_BYTES_MIN = 32;
export const KEY_SECRET_BYTES_MAX = 1_024;
/** What sealing adds to a packet: a header of 24 bytes and a tag of 16 (totem-wire §6). */
export const SEAL_OVERHEAD_BYTES = 40;
/** Packets that one node seals with one key before it derives another, far below the 2^32 of GCM. */
export const EPOCH_PACKETS_MAX = 1_073_741_824;
/** How far behind the newest packet of a sender another may come and still be told from a replay. */
export const REPLAY_WINDOW_PACKETS = 32_768;
/** After a first packet of a newer epoch the epochs of all others are stored so much later, in milliseconds. */
export const HEARD_STORE_MS = 1_000;
/** Of one node and one reason a refused packet is told in the log once in this time, in milliseconds. */
export const REFUSAL_REPORT_MS = 10_000;
/** Keys that are remembered by their fingerprint as never to be used again. */
export const RETIRED_KEYS_MAX = 64;
/** Characters of why a node cannot use a new key; the rest is cut. */
export const KEY_REASON_CHARS_MAX = 300;

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

/** Services of one executive: as many as there are ids. */
export const SERVICES_MAX = 63;
/** How often the watchdog looks who has the thread, in milliseconds. */
export const WATCHDOG_LOOK_MS = 50;
/** Milliseconds between two beats by which it sees that the event loop turns. */
export const WATCHDOG_BEAT_MS = 250;
/** A stalled loop's flight record is written after this part of `watchdog.kill`: before systemd's WatchdogSec is over. */
export const WATCHDOG_RECORD_PART = 3;
/** Bytes of the note about a service that was found stuck. */
export const STUCK_NOTE_BYTES_MAX = 4_096;
/** Entries of `ipc.access`, and uids or gids of one of them or of `ipc.allow`. */
export const ACCESS_GRANTS_MAX = 256;
export const ACCESS_IDS_MAX = 1_024;
/** A service's name or its module's, in a request of the admin channel. */
export const PLUGIN_NAME_BYTES_MAX = 4_096;
/** Milliseconds that a module may take to be imported. */
export const PLUGIN_IMPORT_MS_MAX = 10_000;
/** Time between two lines of the log about a transfer in the background. */
export const TRANSFER_LOG_MS = 1000;

/** Expected votes that an operator may set. */
export const EXPECTED_VOTES_MAX = 1_000_000;
/** Bytes of the flight recorder: the last several thousand events. */
export const FLIGHT_BYTES = 1_048_576;
/** Bytes of one event there; a longer one is kept without its details. */
export const FLIGHT_LINE_BYTES_MAX = 4_096;
/** Flight records kept in the state directory; the oldest go. */
export const FLIGHT_FILES_MAX = 8;

/** Connections to the metrics at a time; more are closed at once. */
export const METRICS_CONNECTIONS_MAX = 16;
/** Milliseconds that a scraper may take to ask. */
export const METRICS_REQUEST_MS_MAX = 5_000;

/** Milliseconds that all nodes have to answer whether they can reload. */
export const RELOAD_MS_MAX = 10_000;
/** Changed keys, and reasons against a reload, that a node tells. */
export const RELOAD_LINES_MAX = 50;
/** Characters of one of those; the rest is cut. */
export const RELOAD_LINE_CHARS_MAX = 300;
