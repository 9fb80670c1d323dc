/**
 * Every bound of the checkpoint service; docs/LIMITS.md says what happens at each. Shared by the service
 * and its client, because the client cuts what it sends by the same figures.
 */

/** Checkpoints of the cluster, unlinked ones that are still open included. */
export const CHECKPOINTS_MAX = 10_000;
/** Sections of the cluster, all checkpoints together. */
export const SECTIONS_MAX = 2_000_000;
/** Bytes of all sections of the cluster; every member holds them all. */
export const STORE_BYTES_MAX = 1_073_741_824;
/** Opens that one client may hold. */
export const CLIENT_OPENS_MAX = 10_000;
/** Opens of a client that is gone that are closed at one place of the order. */
export const GONE_STEP_OPENS_MAX = 256;
/** Opens of the cluster. */
export const OPENS_MAX = 200_000;
/** Longest section id, whatever a checkpoint's maxSectionIdSize says. */
export const SECTION_ID_BYTES_MAX = 1_024;
/** One element of an I/O vector, and the initial data of a section (OpenSAF's figure). */
export const IO_ELEMENT_BYTES_MAX = 41_943_040;
/** Elements of one I/O vector as the application passes it. */
export const IO_VECTOR_MAX = 65_536;
/** Section data in one request or reply: below the message limit of 1 MiB, its ids and framing included. */
export const REQUEST_BYTES_MAX = 524_288;
/** Elements or descriptors in one request or reply: their ids and the data together stay below 1 MiB. */
export const REQUEST_ELEMENTS_MAX = 128;
/** Section ids in one page of a listing. */
export const LIST_PAGE_MAX = 4_096;
/** Bytes of section ids in one page of a listing. */
export const LIST_PAGE_BYTES_MAX = 262_144;
/** Section data is held in pages of this size, so that appending never copies more than one page. */
export const PAGE_BYTES = 65_536;
/** Smallest page. */
export const PAGE_BYTES_MIN = 64;
/** A store of up to so many bytes is synchronised whole; contents of a larger one follow while clients work. */
export const INLINE_BYTES_MAX = 1_048_576;
/** Section data in one synchronisation chunk. */
export const CHUNK_BYTES_MAX = 196_608;
/** Records in one synchronisation chunk. */
export const CHUNK_RECORDS_MAX = 1_024;
/** Expiries are served in steps of this many nanoseconds, so that many close ones cost one message. */
export const EXPIRY_STEP_NS = 50_000_000n;
/** Descriptors that a client fetches ahead of a section iteration. */
export const ITERATION_AHEAD = 64;
/** How often a client starts the listing of an iteration again when views change meanwhile. */
export const ITERATION_RESTARTS_MAX = 10;
/** Watches of one checkpoint, of all clients together. */
export const WATCHES_PER_CHECKPOINT_MAX = 1_024;
/** Largest section whose content a change notification carries. */
export const WATCH_DATA_BYTES_MAX = 65_536;
/** Changes that wait for the reader of one watch before some are dropped and a gap says so. */
export const WATCH_BUFFER_MAX = 1_024;
/** Requests that a client of the idiomatic layer has at the executive; as many as that works on at a time. */
export const REQUEST_WINDOW = 128;
