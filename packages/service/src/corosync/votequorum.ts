/**
 * Corosync's votequorum (service 5, totem-wire §4.4): every node tells its votes once per synchronisation,
 * and all compute the same quorum from them. The filter that comes with it counts the votes of all
 * nodes of the ring, C daemons included, where quorum/create-quorum.ts knows executives only.
 *
 * Votes that an operator changes at run time are followed from the next configuration on, when the
 * nodes tell them again.
 */
import type { QuorumFilter, QuorumState } from '../quorum/contract.ts';
import { votesNeeded } from '../quorum/create-quorum.ts';
import type { SyncStart } from '../sync/engine.ts';
import type { CorosyncBus, CorosyncService } from './contract.ts';
import { createExecMessage, viewOf } from './exec-message.ts';

const VOTEQUORUM_SERVICE_ID = 5;
const FN_NODEINFO = 0;
const NODEINFO_BYTES = 32;
const OFFSET_NODE = 16;
const OFFSET_VOTES = 20;
const OFFSET_EXPECTED = 24;
const OFFSET_FLAGS = 28;
const FLAG_QUORATE = 1;
const FLAG_LEAVING = 2;
const FLAG_WAITING_FOR_ALL = 4;
const FLAG_FIRST = 8;

export interface NodeVotes {
  readonly votes: number;
  readonly expected: number;
  readonly flags: number;
}

export interface VoteOptions {
  /** Votes of this node. */
  readonly votes: number;
  readonly expectedVotes: number;
  readonly twoNode: boolean;
  /** Not quorate until all expected votes were there at once, or a quorate node was met. */
  readonly waitForAll: boolean;
}

export interface Votequorum {
  readonly service: CorosyncService;
  readonly filter: QuorumFilter;
}

export function encodeNodeInfo(nodeId: number, info: NodeVotes): Uint8Array {
  const view = createExecMessage(VOTEQUORUM_SERVICE_ID, FN_NODEINFO, NODEINFO_BYTES);
  view.setUint32(OFFSET_NODE, nodeId, true);
  view.setUint32(OFFSET_VOTES, info.votes, true);
  view.setUint32(OFFSET_EXPECTED, info.expected, true);
  view.setUint32(OFFSET_FLAGS, info.flags, true);
  return new Uint8Array(view.buffer);
}

/** @returns undefined for another length. `nodeId` 0 speaks for a quorum device. */
export function decodeNodeInfo(
  message: Uint8Array,
): (NodeVotes & { readonly nodeId: number }) | undefined {
  if (message.length !== NODEINFO_BYTES) return undefined;
  const view = viewOf(message);
  return {
    nodeId: view.getUint32(OFFSET_NODE, true),
    votes: view.getUint32(OFFSET_VOTES, true),
    expected: view.getUint32(OFFSET_EXPECTED, true),
    flags: view.getUint32(OFFSET_FLAGS, true),
  };
}

export function createVotequorum(bus: CorosyncBus, options: VoteOptions): Votequorum {
  const { votes, expectedVotes, twoNode } = options;
  /** What the members of the ring that is being synchronised, or was, have said. */
  const said = new Map<number, NodeVotes>();
  let members: readonly number[] = [];
  let sent = true;
  let waiting = options.waitForAll;
  let everQuorate = false;
  let state: QuorumState = { quorate: false, votes: 0, needed: 0 };

  function flags(): number {
    const { quorate } = state;
    const first = everQuorate ? 0 : FLAG_FIRST;
    return (quorate ? FLAG_QUORATE : 0) | (waiting ? FLAG_WAITING_FOR_ALL : 0) | first;
  }

  function judge(): QuorumState {
    const present = members.map((node) => said.get(node)).filter((info) => info !== undefined);
    const total = present.reduce((sum, info) => sum + info.votes, 0);
    const expected = present.reduce((most, info) => Math.max(most, info.expected), expectedVotes);
    const needed = twoNode ? 1 : votesNeeded(expected, total);
    // Corosync's rule: who is past its own first quorum has seen all of them.
    const freed = (info: NodeVotes) => (info.flags & (FLAG_FIRST | FLAG_WAITING_FOR_ALL)) === 0;
    if (total >= expected || present.some(freed)) waiting = false;
    return { quorate: !waiting && total >= needed, votes: total, needed };
  }

  const service: CorosyncService = {
    id: VOTEQUORUM_SERVICE_ID,
    name: 'votequorum',
    deliver(fn, source, message) {
      if (fn !== FN_NODEINFO) return undefined;
      const info = decodeNodeInfo(message);
      if (info === undefined) return 'malformed nodeinfo';
      if (info.nodeId === 0) return undefined;
      if (info.nodeId !== source) return 'nodeinfo for another node';
      if ((info.flags & FLAG_LEAVING) === 0) said.set(source, info);
      return undefined;
    },
    sync: {
      init(start: SyncStart) {
        members = start.members;
        said.clear();
        sent = false;
      },
      work() {
        const mine = { votes, expected: expectedVotes, flags: flags() };
        sent ||= bus.multicast(encodeNodeInfo(bus.nodeId, mine));
        return sent;
      },
      activate() {
        state = judge();
        everQuorate ||= state.quorate;
      },
      abort: () => said.clear(),
    },
    inspect: () => ({ ...state, nodes: Object.fromEntries(said) }),
  };
  // The synchronisation activates this service before any view that asks: ids are taken in order.
  const filter: QuorumFilter = {
    name: 'votequorum',
    update: () => state,
    get state() {
      return state;
    },
  };
  return { service, filter };
}
