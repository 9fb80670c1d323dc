/** What changes of the membership and ends of clients do to channels. */
import type { ClientRef, ExecContext, View } from '@aisexec/service';
import { tellLost } from './delivery.ts';
import { type EvtState, findOpen, stripClient } from './state.ts';

/** Takes away the opens of nodes that are gone. Channels stay (AIS B.2 rule 7). */
export function confchg(state: EvtState, view: View): void {
  const alive = new Set(view.members.map((member) => member.nodeId));
  for (const nodeId of view.left) {
    if (!state.adopted.includes(nodeId)) alive.delete(nodeId);
  }
  state.adopted = [];
  for (const client of [...state.clients.values()]) {
    if (!alive.has(client.ref.node)) stripClient(state, client.ref);
  }
}

export function clientGone(state: EvtState, client: ClientRef): void {
  stripClient(state, client);
}

/**
 * On a node whose state was merged: a subscriber may have missed what the other side published, and
 * loss is always announced. It may be told although the other side published nothing (ADR 0072).
 */
export function replaced(before: EvtState, after: EvtState, ctx: ExecContext): void {
  for (const channel of before.channels.values()) {
    for (const { client, handle, subscriptions } of channel.opens.values()) {
      const now = findOpen(after, client, handle)?.channel;
      if (subscriptions.size > 0 && now !== undefined && now.gaps > channel.gaps) {
        tellLost(client, handle, ctx);
      }
    }
  }
}
