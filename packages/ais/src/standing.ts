/**
 * What an executive and a client library tell each other about the client's node being no member of the
 * cluster (AIS B.0, UNAVAILABLE), the same for all services that are for members only.
 */

/** Request without argument: OK, or UNAVAILABLE when this connection is, or became, a non-member's. */
export const STANDING_REQUEST = 'aisexec.standing';

/** Callback, once: the node is no member any more; every later request is answered UNAVAILABLE. */
export const STALE_CALLBACK = 'aisexec.stale';
