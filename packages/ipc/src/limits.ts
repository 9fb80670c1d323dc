/** Bounds of the client connection, both halves. Every one has a row in docs/LIMITS.md. */

/** Largest frame body in bytes: one message of 1 MiB and its envelope. */
export const FRAME_BYTES_MAX = 1_114_112;
/** Nesting of a client's frame: less than that of the message which carries its argument to the other nodes. */
export const FRAME_DEPTH_MAX = 24;
/** Memory in which a connection puts frames together that it keeps for the next one. */
export const ASSEMBLY_BYTES_KEPT_MAX = 131_072;
/** Memory of a client connection into which its socket is read. */
export const READ_BYTES = 65_536;
/** Frames written in one turn are joined into one buffer up to this size; larger ones go on their own. */
export const BATCH_BYTES_MAX = 65_536;
/** Records of one bundle; more is malformed. */
export const BUNDLE_RECORDS_MAX = 4_096;
/** Names of functions and callbacks that a reader of bundles knows again without making a text. */
export const BUNDLE_NAMES_MAX = 16;
/** Callbacks queued in one handle before the executive is asked to hold. */
export const HANDLE_QUEUE_MAX = 1_024;
/** Requests a client connection keeps outstanding; more are answered TRY_AGAIN at once. */
export const CLIENT_REQUESTS_MAX = 4_096;
/** Milliseconds a client waits for the answer to its hello. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds a client waits for the executive to end a closed connection. */
export const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Requests of one client without an answer; then the executive stops reading from it. Not lower than
 * what a client allows itself: blocked calls count, and the unlock they wait for must be read (ADR 0050).
 */
export const REQUESTS_IN_FLIGHT_MAX = 4_096;
/** Requests of all clients together that are served before the event loop goes on; each process gets its share, at least one. */
export const REQUESTS_PER_TURN = 256;
/** Of these, requests of one client before the next one of the same process. */
export const REQUESTS_PER_SLICE = 32;
/** Milliseconds for which requests are served turn after turn while some always wait; then they are left for a moment. */
export const FLOOD_MS_MAX = 20;
/** That moment in milliseconds: long enough that the thread is not one that never waits. */
export const FLOOD_REST_MS = 2;
/** Clients connected at a time. */
export const CLIENTS_MAX = 1_024;
/** Of these, clients of one uid; does not count where the platform does not tell the uid. */
export const CLIENTS_PER_UID_MAX = 768;
/** Connections that have not said hello yet. */
export const HANDSHAKE_PENDING_MAX = 64;
/** Of these, connections of one uid; does not count where the platform does not tell the uid. */
export const HANDSHAKE_PENDING_PER_UID_MAX = 48;
/** Milliseconds until a connection that is one too many is told so. */
export const TURNED_AWAY_DELAY_MS = 100;
/** Connections that wait to be told; further ones are told at once. */
export const TURNED_AWAY_MAX = 256;
/** Milliseconds from connecting to a complete hello. */
export const HANDSHAKE_TIMEOUT_MS = 2_000;
/** Callbacks queued for one client. */
export const OUTBOUND_FRAMES_MAX = 4_096;
/** Bytes of callbacks queued for one client. */
export const OUTBOUND_BYTES_MAX = 8_388_608;
/** Bytes unread by one client before its callbacks wait in their queue and its requests are not read. */
export const SOCKET_BYTES_HIGH = 262_144;
/** Bytes unread by one client, replies to requests in flight included. */
export const SOCKET_BYTES_MAX = 67_108_864;
/** Milliseconds a disconnected client has to read why. */
export const GOODBYE_TIMEOUT_MS = 1_000;

/** Events of the server told per second; a flood of bad clients must not become a flood of log lines. */
export const EVENTS_PER_SECOND_MAX = 20;

/** First wait before a retry of TRY_AGAIN in milliseconds; doubles, with full jitter. */
export const RETRY_BASE_MS = 10;
/** Longest wait between two retries of TRY_AGAIN in milliseconds. */
export const RETRY_WAIT_MAX_MS = 1_000;
/** TRY_AGAIN is retried for this long where the caller sets no time-out, in milliseconds. */
export const RETRY_TOTAL_MS = 10_000;

/** Milliseconds that clients have to say whether their executive may leave; who says nothing agrees. */
export const LEAVE_ANSWER_MS = 5_000;
/** Longest reason of a veto in characters. */
export const VETO_TEXT_MAX = 200;

/** Milliseconds a cut session is kept for its client where nobody says otherwise. */
export const SESSION_GRACE_MS = 5_000;
/** The longest grace a configuration may set. */
export const SESSION_GRACE_MS_MAX = 60_000;
/** Frames of the other side that are read before they are acknowledged. */
export const ACK_FRAMES = 64;
/** Bytes of the other side that are read before they are acknowledged. */
export const ACK_BYTES = 32_768;
/** Frames that one side of a session keeps because the other has not acknowledged them. */
export const UNACKED_FRAMES_MAX = 65_536;
/** Bytes that the kernel took and the client has not acknowledged: more are on no way, but ignored. */
export const UNACKED_BYTES_MAX = 8_388_608;
/** Bytes of requests that a client keeps because the executive has not acknowledged them. */
export const CLIENT_UNACKED_BYTES_MAX = 67_108_864;
/** Ended sessions whose reason is kept for a client that was cut before it could read it. */
export const ENDED_SESSIONS_MAX = 1_024;
/** First wait of a cut client before it connects again in milliseconds; doubles. */
export const RECONNECT_BASE_MS = 1;
/** Longest wait of a cut client between two attempts to connect in milliseconds. */
export const RECONNECT_WAIT_MAX_MS = 100;
/** First wait before the process behind a cut connection is looked at again in milliseconds; doubles. */
export const PROCESS_CHECK_BASE_MS = 1;
/** Longest wait between two looks at the process behind a cut connection in milliseconds. */
export const PROCESS_CHECK_WAIT_MAX_MS = 50;
