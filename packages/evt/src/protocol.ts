/**
 * What client and event service say to each other, and the constants of AIS EVT under their C names
 * (AIS B.2). Open handles and the serials of subscriptions are drawn by the client and mean something
 * within its connection only, so that an event can arrive before the reply that announces it and a
 * forged handle hurts nobody else (ADR 0070).
 */
import { isSaName, SA_MAX_NAME_LENGTH, type SaVersionT } from '@aisexec/ais';
import { type Infer, type Schema, s } from '@aisexec/service';
import {
  EVENT_DATA_BYTES_MAX,
  FILTERS_MAX,
  PATTERN_BYTES_MAX,
  PATTERNS_MAX,
  RETENTION_NS_MAX,
  SUBSCRIPTIONS_PER_OPEN_MAX,
} from './limits.ts';

/** Number and name under which executives host the event service. */
export const EVT_SERVICE_ID = 4;
export const EVT_SERVICE_NAME = 'evt';

/** The generations of the interface that are served, ascending. */
export const EVT_VERSIONS: readonly Readonly<SaVersionT>[] = [
  { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
  { releaseCode: 'B', majorVersion: 3, minorVersion: 1 },
];

/** Flags of `saEvtChannelOpen`. */
export const SA_EVT_CHANNEL_PUBLISHER = 0x1;
export const SA_EVT_CHANNEL_SUBSCRIBER = 0x2;
export const SA_EVT_CHANNEL_CREATE = 0x4;

/** Priorities go from 0, served first, to 3. */
export const SA_EVT_HIGHEST_PRIORITY = 0;
export const SA_EVT_LOWEST_PRIORITY = 3;
export type SaEvtEventPriorityT = 0 | 1 | 2 | 3;

/** How a filter looks at the pattern of the same place. */
export const SaEvtEventFilterTypeT = {
  SA_EVT_PREFIX_FILTER: 1,
  SA_EVT_SUFFIX_FILTER: 2,
  SA_EVT_EXACT_FILTER: 3,
  SA_EVT_PASS_ALL_FILTER: 4,
} as const;
export type SaEvtEventFilterTypeT =
  (typeof SaEvtEventFilterTypeT)[keyof typeof SaEvtEventFilterTypeT];
export const {
  SA_EVT_PREFIX_FILTER,
  SA_EVT_SUFFIX_FILTER,
  SA_EVT_EXACT_FILTER,
  SA_EVT_PASS_ALL_FILTER,
} = SaEvtEventFilterTypeT;

/** Id of an event that was not published. */
export const SA_EVT_EVENTID_NONE = 0n;
/** Id of the event that stands for lost ones. */
export const SA_EVT_EVENTID_LOST = 1n;
/** The one pattern of the lost event. */
export const SA_EVT_LOST_EVENT = 'SA_EVT_LOST_EVENT_PATTERN';
/** Ids up to this one are the standard's own. */
export const EVENT_ID_RESERVED_MAX = 1000n;

/** Limit ids of `saEvtLimitGet`. */
export const SaEvtLimitIdT = {
  SA_EVT_MAX_NUM_CHANNELS_ID: 1,
  SA_EVT_MAX_EVT_SIZE_ID: 2,
  SA_EVT_MAX_PATTERN_SIZE_ID: 3,
  SA_EVT_MAX_NUM_PATTERNS_ID: 4,
  SA_EVT_MAX_RETENTION_DURATION_ID: 5,
} as const;
export type SaEvtLimitIdT = (typeof SaEvtLimitIdT)[keyof typeof SaEvtLimitIdT];
export const {
  SA_EVT_MAX_NUM_CHANNELS_ID,
  SA_EVT_MAX_EVT_SIZE_ID,
  SA_EVT_MAX_PATTERN_SIZE_ID,
  SA_EVT_MAX_NUM_PATTERNS_ID,
  SA_EVT_MAX_RETENTION_DURATION_ID,
} = SaEvtLimitIdT;

const saName: Schema<string> = {
  check: (value: unknown): value is string => isSaName(value),
};
const retention: Schema<bigint> = {
  check: (value: unknown): value is bigint =>
    typeof value === 'bigint' && value >= 0n && value <= RETENTION_NS_MAX,
};

/** One filter on the wire and in state. */
export const filterSchema = s.object({
  type: s.oneOf(
    SA_EVT_PREFIX_FILTER,
    SA_EVT_SUFFIX_FILTER,
    SA_EVT_EXACT_FILTER,
    SA_EVT_PASS_ALL_FILTER,
  ),
  pattern: s.bytes(PATTERN_BYTES_MAX),
});
export type Filter = Infer<typeof filterSchema>;

/** What only a subscriber gets to see of an event. */
export const eventContentFields = {
  patterns: s.list(s.bytes(PATTERN_BYTES_MAX), PATTERNS_MAX),
  priority: s.oneOf(0, 1, 2, 3),
  /** Empty for an event without attributes. */
  publisher: s.text(SA_MAX_NAME_LENGTH),
  data: s.bytes(EVENT_DATA_BYTES_MAX),
} as const;

/** The parts of an event that its publisher decides. */
export const eventFields = {
  ...eventContentFields,
  /** Nanoseconds. */
  retention,
} as const;

const openFields = {
  handle: s.u64,
  name: saName,
  create: s.bool,
  publisher: s.bool,
  subscriber: s.bool,
} as const;

/** `open`: the client draws `handle` for a new open of the channel. */
export const openRequest = s.object(openFields);
export type OpenRequest = Infer<typeof openRequest>;
/** The same, ordered: `instance` becomes the identity of the channel if this creates one. */
export const openMessage = s.object({ ...openFields, instance: s.u64 });
export type OpenMessage = Infer<typeof openMessage>;

/** `close`. */
export const closeRequest = s.object({ handle: s.u64 });
export type CloseRequest = Infer<typeof closeRequest>;

/** `unlink`. */
export const unlinkRequest = s.object({ name: saName });
export type UnlinkRequest = Infer<typeof unlinkRequest>;

/** `subscribe`: `serial` tells this subscription from an earlier one with the same id. */
export const subscribeRequest = s.object({
  handle: s.u64,
  id: s.u32,
  serial: s.count,
  filters: s.list(filterSchema, FILTERS_MAX),
});
export type SubscribeRequest = Infer<typeof subscribeRequest>;

/** `unsubscribe`. */
export const unsubscribeRequest = s.object({ handle: s.u64, id: s.u32 });
export type UnsubscribeRequest = Infer<typeof unsubscribeRequest>;

/** `publish`, answered with `eventId` once the event has its place in the total order. */
export const publishRequest = s.object({ handle: s.u64, ...eventFields });
export type PublishRequest = Infer<typeof publishRequest>;
/** The same, ordered: the publisher's node drew the id. */
export const publishMessage = s.object({ handle: s.u64, id: s.u64, ...eventFields });
export type PublishMessage = Infer<typeof publishMessage>;

/** `retentionClear`. */
export const retentionClearRequest = s.object({ handle: s.u64, id: s.u64 });
export type RetentionClearRequest = Infer<typeof retentionClearRequest>;

/** Reply to `limits`, local. */
export const limitsReply = s.object({
  channels: s.u64,
  eventBytes: s.u64,
  patternBytes: s.u64,
  patterns: s.u64,
  retention: s.u64,
});
export type LimitsReply = Infer<typeof limitsReply>;

/**
 * Callback `event`: an event for one open. `serials` are all subscriptions of the open that it matches,
 * oldest first: the first one not ended meanwhile gets it (AIS B.2 rules 2 and 10).
 */
export const eventCallback = s.object({
  handle: s.u64,
  serials: s.list(s.count, SUBSCRIPTIONS_PER_OPEN_MAX),
  id: s.u64,
  /** Publication, nanoseconds since the Unix epoch. */
  time: s.i64,
  ...eventFields,
});
export type EventCallback = Infer<typeof eventCallback>;

/** Callback `lost`: the open may have missed events. */
export const lostCallback = s.object({ handle: s.u64 });
export type LostCallback = Infer<typeof lostCallback>;
