/** The bounds of this package. Each has a row in docs/LIMITS.md that says what happens there. */

/** Requests that one client may have waiting for a view, for room in the queue or for its share; then it is not asked for more. */
export const REQUESTS_IN_FLIGHT_MAX = 128;
/**
 * What all clients of a node may have multicast and not delivered yet: bytes, and `MESSAGE_COST` for each message. A
 * process alone has half of it, three visits of the token in a ring of large packets: as long as a safe message takes.
 */
export const UNORDERED_COST_MAX = 786_432;
/** The same while one of them asks for less than its share: enough to keep the ring busy, not to fill its queue. */
export const UNORDERED_COST_BESIDE_MODEST_MAX = 196_608;
/** Messages of a node's clients for which a process that has sent one and waits for nothing more counts as active. */
export const MODEST_MESSAGES = 4_096;
/** What a message costs besides its bytes: small ones take as long as so many bytes to be ordered and applied. */
export const MESSAGE_COST = 4096;
/** Requests of one client that have no reply yet, held ones and blocked calls included. */
export const REQUESTS_OUTSTANDING_MAX = 4096;
/**
 * The same of all clients of one uid. A client may have as many as are left of it: so what many greedy ones have together
 * stays below, and there is room for one that asks for little.
 */
export const REQUESTS_OUTSTANDING_PER_UID_MAX = 65_536;
/** So many a client may have in any case. */
export const REQUESTS_OUTSTANDING_MIN = 64;
/** Highest service id: Corosync's tables have 64 entries and are indexed unchecked (totem-wire §4.7). */
export const SERVICE_ID_MAX = 63;
/** Highest function number of a Corosync service that is sent or believed; no service has more. */
export const EXEC_FUNCTION_MAX = 63;
/** Entries of a service_build message (totem-wire §4.1). */
export const SYNC_SERVICES_MAX = 128;
/** Nodes of a ring, as Corosync bounds them (totem-wire §4.7). */
export const SYNC_MEMBERS_MAX = 384;
/** State chunks are packed into one synchronisation message up to this size. */
export const STATE_BATCH_BYTES = 32_768;
/** Bytes of state that a node asks for at once in the background; what one answer holds, up to one piece more. */
export const WANT_BYTES_MAX = 131_072;
/** Pieces that a node asks for at once in the background. */
export const WANT_PIECES_MAX = 512;
/**
 * Requests for state that a node has unanswered in the background: with the bytes above what clients wait behind. The
 * processors bound the rate, not the round trips: four gave no more, and publishes waited six times as long.
 */
export const WANTS_MAX = 1;
/** Pieces that readers may have brought forward at a time, of one service. */
export const HURRIED_PIECES_MAX = 4096;
/** Nesting of a message or state chunk. */
export const MESSAGE_DEPTH_MAX = 32;
/** Nesting of replicated state; deeper is taken for a cycle. */
export const STATE_DEPTH_MAX = 64;
/** Shortest time between two expiry intents for the same deadline. */
export const EXPIRY_RETRY_MS = 1000;
/**
 * Longest delay asked of the embedder's timer; a later deadline is reached in several steps, so that one which a set
 * wall clock has brought nearer is not missed by more.
 */
export const WAKE_DELAY_MS_MAX = 60_000;
/** Clients whose end one message tells; more are told with the next. */
export const DEPARTED_MAX = 1_000;
/** Longest name of a service, an exec handler or a node, in bytes. */
export const SERVICE_NAME_BYTES_MAX = 256;
/** Ordered events that wait for the state of a service that is being loaded; beyond them it fails. */
export const JOIN_BACKLOG_MAX = 65_536;
/** Messages of state that are on their way to a node that loads a service. */
export const HANDOVER_WINDOW = 4;
/** Highest version of a service (its field in a message). */
export const SERVICE_VERSION_MAX = 65_535;
/** Packed bytes that a quorum filter may tell in a hello; a filter that tells more is refused by its own node. */
export const QUORUM_SAID_BYTES_MAX = 65_536;
/** Votes of one node. */
export const VOTES_MAX = 65_535;
/** Attempts at a primary component whose end is unknown; a node with more takes part in no further one. */
export const AMBIGUOUS_ATTEMPTS_MAX = 16;
