/**
 * What a change of the membership does to locks (reliability §6): the locks of nodes that left are
 * stripped, holders that may have lost theirs are told, and only then anything is granted anew. Without
 * quorum nothing is granted.
 */
import { SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import type { ClientRef, ExecContext, View } from '@aisexec/service';
import { GONE_STEP_ENTRIES_MAX } from './limits.ts';
import { announce, settle, tellAllLost } from './locking.ts';
import {
  clientKey,
  ensureResource,
  type GrantedLock,
  type LckState,
  type Resource,
  stripClient,
} from './state.ts';
import { STEPS_SINCE } from './versions.ts';

export function confchg(state: LckState, view: View, ctx: ExecContext): void {
  const touched = stripDeparted(state, view);
  if (state.quorate && !view.quorate) {
    const reason = view.members.length === 1 ? 'node-isolated' : 'quorum-lost';
    tellAllLost(allGranted(state), reason, ctx);
  }
  state.quorate = view.quorate;
  // Where nobody waits and nothing was taken there is nothing to do, however large the table is.
  for (const name of state.contended) touched.add(ensureResource(state, name));
  for (const resource of touched) {
    announce(state, resource, ctx);
    settle(state, resource, ctx);
  }
}

/** In steps where all nodes know them; each leaves the table sound. @returns whether more is left. */
export function clientGone(state: LckState, client: ClientRef, ctx: ExecContext): boolean {
  const entriesMax = ctx.version < STEPS_SINCE ? undefined : GONE_STEP_ENTRIES_MAX;
  for (const resource of stripClient(state, client, entriesMax)) settle(state, resource, ctx);
  return state.clients.has(clientKey(client));
}

/** On a node whose state was merged: tells clients which of their locks did not survive. */
export function replaced(before: LckState, after: LckState, ctx: ExecContext): void {
  const dropped: GrantedLock[] = [];
  for (const old of before.resources.values()) {
    const now = after.resources.get(old.name);
    for (const [key, lock] of old.granted) {
      if (!now?.granted.has(key)) dropped.push(lock);
    }
    for (const [key, lock] of old.waiting) {
      if (!now?.waiting.has(key)) ctx.reply(lock.source, { rc: SA_AIS_ERR_TRY_AGAIN });
    }
  }
  tellAllLost(dropped, 'merged', ctx);
}

function* allGranted(state: LckState): Iterable<GrantedLock> {
  for (const { granted } of state.resources.values()) yield* granted.values();
}

/** @returns the resources that clients of nodes that are gone had open. */
function stripDeparted(state: LckState, view: View): Set<Resource> {
  const touched = new Set<Resource>();
  const alive = new Set(view.members.map((member) => member.nodeId));
  for (const nodeId of view.left) alive.delete(nodeId);
  for (const client of [...state.clients.values()]) {
    if (alive.has(client.ref.node)) continue;
    for (const resource of stripClient(state, client.ref)) touched.add(resource);
  }
  return touched;
}
