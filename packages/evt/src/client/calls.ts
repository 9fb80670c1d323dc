/** What both layers must get right about requests: time-outs that leave nothing behind, checks of sizes. */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { type AisHandle, insist, type Reply } from '@aisexec/ipc';
import {
  EVENT_DATA_BYTES_MAX,
  FILTERS_MAX,
  PATTERN_BYTES_MAX,
  PATTERNS_MAX,
  RETENTION_NS_MAX,
} from '../limits.ts';
import {
  type Filter,
  type PublishRequest,
  SA_EVT_PASS_ALL_FILTER,
  SA_EVT_PREFIX_FILTER,
} from '../protocol.ts';

/** The attributes of an event: all that its publisher decides but the data. */
export type Attributes = Omit<PublishRequest, 'handle' | 'data'>;

/**
 * Takes back an open, whatever became of it: the open before it on the same connection is ordered before
 * it, so nothing is left behind, even when its answer comes later. Repeated until it is accepted.
 */
export function releaseOpen(handle: AisHandle, open: bigint): Promise<Reply> {
  return insist(handle, 'close', { handle: open });
}

/** The same for a subscription. */
export function releaseSubscription(handle: AisHandle, open: bigint, id: number): Promise<Reply> {
  return insist(handle, 'unsubscribe', { handle: open, id });
}

/** TOO_BIG beyond a limit, INVALID_PARAM for what is no attribute. */
export function checkAttributes(attributes: Attributes): SaAisErrorT {
  const { patterns, priority, retention } = attributes;
  if (!Number.isInteger(priority) || priority < 0 || priority > 3) return SA_AIS_ERR_INVALID_PARAM;
  if (retention < 0n) return SA_AIS_ERR_INVALID_PARAM;
  if (retention > RETENTION_NS_MAX || patterns.length > PATTERNS_MAX) return SA_AIS_ERR_TOO_BIG;
  const tooLong = patterns.some((pattern) => pattern.length > PATTERN_BYTES_MAX);
  return tooLong ? SA_AIS_ERR_TOO_BIG : SA_AIS_OK;
}

export function checkData(data: Uint8Array): SaAisErrorT {
  return data.length > EVENT_DATA_BYTES_MAX ? SA_AIS_ERR_TOO_BIG : SA_AIS_OK;
}

/** INVALID_PARAM: the standard has no code for filters that are too long or too many. */
export function checkFilters(filters: readonly Filter[]): SaAisErrorT {
  const valid =
    filters.length <= FILTERS_MAX &&
    filters.every(
      ({ type, pattern }) =>
        Number.isInteger(type) &&
        type >= SA_EVT_PREFIX_FILTER &&
        type <= SA_EVT_PASS_ALL_FILTER &&
        pattern.length <= PATTERN_BYTES_MAX,
    );
  return valid ? SA_AIS_OK : SA_AIS_ERR_INVALID_PARAM;
}

/** A `SaSubscriptionIdT`: 32 bits. */
export function isSubscriptionId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff;
}
