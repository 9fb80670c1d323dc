/** What a subscription of the idiomatic layer yields. */
import type { SaTimeT } from '@aisexec/ais';
import type { EventCallback, SaEvtEventPriorityT } from '../protocol.ts';

export interface EventItem {
  readonly type: 'event';
  /** Unique in the cluster. */
  readonly id: bigint;
  /** See `textOf` for text. */
  readonly patterns: readonly Uint8Array[];
  readonly priority: SaEvtEventPriorityT;
  /** How long the executives keep it for later subscriptions; 0 not at all. */
  readonly retentionMs: number;
  /** Name that the publisher gave itself, or empty. */
  readonly publisher: string;
  /** When it was published, nanoseconds since the Unix epoch, by its publisher's clock. */
  readonly publishTime: SaTimeT;
  readonly data: Uint8Array;
}

/** Events are missing here. */
export interface LostItem {
  readonly type: 'lost';
  /** How many, where that is known: they were dropped in this process. */
  readonly count?: number;
}

export type SubscriptionItem = EventItem | LostItem;

export function eventItem(event: EventCallback): EventItem {
  const { id, patterns, priority, retention, publisher, time, data } = event;
  const retentionMs = Number(retention) / 1_000_000;
  return {
    type: 'event',
    ...{ id, patterns, priority, retentionMs, publisher, publishTime: time, data },
  };
}
