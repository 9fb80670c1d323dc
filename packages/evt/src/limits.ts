/** Bounds of the event service. Every one has a row in docs/LIMITS.md. */

/** Channel instances in the cluster, unlinked ones that are still open included (`SA_EVT_MAX_NUM_CHANNELS_ID`). */
export const CHANNELS_MAX = 1_024;
/** Opens in the cluster. */
export const CHANNEL_OPENS_MAX = 65_536;
/** Opens of one client. */
export const CHANNEL_OPENS_PER_CLIENT_MAX = 1_024;
/** Subscriptions of one open. */
export const SUBSCRIPTIONS_PER_OPEN_MAX = 256;
/** Filters of subscriptions in the cluster, in bytes, with {@link SUBSCRIPTION_OVERHEAD}. */
export const SUBSCRIPTION_BYTES_MAX = 67_108_864;
/** What a subscription and each of its filters cost beside the pattern, in bytes. */
export const SUBSCRIPTION_OVERHEAD = 256;
/** Data of one event in bytes (`SA_EVT_MAX_EVT_SIZE_ID`). */
export const EVENT_DATA_BYTES_MAX = 65_536;
/** One pattern in bytes (`SA_EVT_MAX_PATTERN_SIZE_ID`). */
export const PATTERN_BYTES_MAX = 255;
/** Patterns of one event (`SA_EVT_MAX_NUM_PATTERNS_ID`). */
export const PATTERNS_MAX = 10;
/** Filters of one subscription; more than patterns, since extra filters mean something (AIS B.2 rule 1). */
export const FILTERS_MAX = 16;
/** Longest retention in nanoseconds (`SA_EVT_MAX_RETENTION_DURATION_ID`): 27 h 46 min. */
export const RETENTION_NS_MAX = 100_000_000_000_000n;
/** Retained events in the cluster. */
export const RETAINED_EVENTS_MAX = 16_384;
/** Bytes of retained events in the cluster, each with {@link RETAINED_EVENT_OVERHEAD} on top. */
export const RETAINED_BYTES_MAX = 67_108_864;
/** What a retained event costs beside its patterns and data, in bytes. */
export const RETAINED_EVENT_OVERHEAD = 512;
/** Content of a retained event on its way to a node that lacks it: data, patterns, publisher and framing. */
export const EVENT_CONTENT_BYTES_MAX = 69_632;
/** Retained events whose cost is up to so many bytes are synchronised whole; contents of more follow while clients work. */
export const RETAINED_INLINE_BYTES_MAX = 1_048_576;
/** Contents that one refused subscription has brought forward. */
export const HURRIED_CONTENTS_MAX = 256;
/** Entries of one synchronisation chunk that holds a list. */
export const EVT_CHUNK_ENTRIES_MAX = 256;

/**
 * Publishes of one idiomatic connection under way at a time; further ones wait in order. Below the number
 * of requests that an executive holds for one client, so that a burst is not answered TRY_AGAIN.
 */
export const PUBLISHES_IN_FLIGHT_MAX = 120;
/** Publishes of one idiomatic connection that wait behind them. */
export const PUBLISHES_WAITING_MAX = 16_384;
/** Events buffered for one idiomatic subscription before some are dropped and counted. */
export const SUBSCRIPTION_BUFFER_MAX = 1_024;
