/** The state for people and tools: channels with their opens, and what is retained. JSON-safe. */
import type { EvtState } from './state.ts';

export function inspect(state: EvtState): unknown {
  return {
    retainedEvents: state.retained.size,
    retainedBytes: state.retainedBytes,
    opens: state.openCount,
    subscriptionBytes: state.subscriptionBytes,
    channels: [...state.channels.values()].map((channel) => ({
      name: channel.name,
      instance: String(channel.instance),
      linked: channel.linked,
      lastEventId: String(channel.last),
      gaps: channel.gaps,
      retainedEvents: channel.retained.size,
      opens: [...channel.opens.values()].map((open) => ({
        node: open.client.node,
        connection: open.client.connection,
        publisher: open.publisher,
        subscriber: open.subscriber,
        subscriptions: open.subscriptions.size,
      })),
    })),
  };
}
