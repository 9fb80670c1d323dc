/**
 * What a change of the membership does to locks (reliability §6): the locks of nodes that left are
 * stripped, holders that may have lost theirs are told, and only then anything is granted anew. Without
 * quorum nothing is granted.
 */
import { SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import type { ClientRef, ExecContext, View } from '@aisexec/service';
import { announce, settle, tellLost } from './locking.ts';
import { type LckState, stripClient } from './state.ts';

export function confchg(state: LckState, view: View, ctx: ExecContext): void {
  stripDeparted(state, view);
  if (state.quorate && !view.quorate) {
    const reason = view.members.length === 1 ? 'node-isolated' : 'quorum-lost';
    for (const resource of state.resources.values()) {
      for (const lock of resource.granted.values()) tellLost(lock, reason, ctx);
    }
  }
  state.quorate = view.quorate;
  for (const resource of [...state.resources.values()]) {
    announce(resource, ctx);
    settle(state, resource, ctx);
  }
}

export function clientGone(state: LckState, client: ClientRef, ctx: ExecContext): void {
  for (const resource of stripClient(state, client)) settle(state, resource, ctx);
}

/** On a node whose state was merged: tells clients which of their locks did not survive. */
export function replaced(before: LckState, after: LckState, ctx: ExecContext): void {
  for (const old of before.resources.values()) {
    const now = after.resources.get(old.name);
    for (const [key, lock] of old.granted) {
      if (!now?.granted.has(key)) tellLost(lock, 'merged', ctx);
    }
    for (const [key, lock] of old.waiting) {
      if (!now?.waiting.has(key)) ctx.reply(lock.source, { rc: SA_AIS_ERR_TRY_AGAIN });
    }
  }
}

function stripDeparted(state: LckState, view: View): void {
  const alive = new Set(view.members.map((member) => member.nodeId));
  for (const nodeId of view.left) alive.delete(nodeId);
  for (const client of [...state.clients.values()]) {
    if (!alive.has(client.ref.node)) stripClient(state, client.ref);
  }
}
