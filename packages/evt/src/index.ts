/**
 * AIS events for Node.js: named channels in a cluster of executives, filters on patterns, priorities,
 * retention, one total order. {@link EventService} is the idiomatic layer; the `saEvt…` functions are
 * AIS EVT to the letter.
 *
 * @packageDocumentation
 */
export {
  Channel,
  type ChannelOptions,
  type EventInit,
  type SubscribeOptions,
} from './client/channel.ts';
export {
  type EventLimits,
  EventService,
  type EventServiceOptions,
  type OpenOptions,
} from './client/event-service.ts';
export {
  exact,
  type FilterLike,
  type Pattern,
  type PatternFilter,
  passAll,
  prefix,
  suffix,
  textOf,
} from './client/filters.ts';
export type { EventItem, LostItem, SubscriptionItem } from './client/items.ts';
export { createSaEvt } from './client/literal.ts';
export type * from './client/literal-types.ts';
export * from './client/sa-evt.ts';
export { Subscription } from './client/subscription.ts';
export {
  SA_EVT_CHANNEL_CREATE,
  SA_EVT_CHANNEL_PUBLISHER,
  SA_EVT_CHANNEL_SUBSCRIBER,
  SA_EVT_EVENTID_LOST,
  SA_EVT_EVENTID_NONE,
  SA_EVT_EXACT_FILTER,
  SA_EVT_HIGHEST_PRIORITY,
  SA_EVT_LOST_EVENT,
  SA_EVT_LOWEST_PRIORITY,
  SA_EVT_MAX_EVT_SIZE_ID,
  SA_EVT_MAX_NUM_CHANNELS_ID,
  SA_EVT_MAX_NUM_PATTERNS_ID,
  SA_EVT_MAX_PATTERN_SIZE_ID,
  SA_EVT_MAX_RETENTION_DURATION_ID,
  SA_EVT_PASS_ALL_FILTER,
  SA_EVT_PREFIX_FILTER,
  SA_EVT_SUFFIX_FILTER,
  SaEvtEventFilterTypeT,
  type SaEvtEventPriorityT,
  SaEvtLimitIdT,
} from './protocol.ts';
