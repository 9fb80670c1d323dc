/**
 * Corosync's votequorum (service 5, totem-wire §4.4): every node tells its votes once per synchronisation,
 * and all compute the same quorum from them. The filter that comes with it counts the votes of all
 * nodes of the ring, C daemons included, where quorum/votequorum.ts knows executives only; the rules are the
 * same, in Corosync's reading (ADR 0161).
 *
 * What an operator changes at run time (`corosync-quorumtool -e`, `-v`) arrives as an ordered message and counts
 * at once.
 */
import { Ballot } from '../quorum/ballot.ts';
import type { QuorumFilter, QuorumState, QuorumStore } from '../quorum/contract.ts';
import { rulesOf, type VotequorumOptions } from '../quorum/votequorum.ts';
import type { ToldVotes } from '../quorum/votes.ts';
import type { SyncStart } from '../sync/engine.ts';
import type { CorosyncBus, CorosyncService } from './contract.ts';
import { createExecMessage, viewOf } from './exec-message.ts';

const VOTEQUORUM_SERVICE_ID = 5;
const FN_NODEINFO = 0;
const FN_RECONFIGURE = 1;
const MESSAGE_BYTES = 32;
const OFFSET_NODE = 16;
const OFFSET_VOTES = 20;
const OFFSET_EXPECTED = 24;
const OFFSET_FLAGS = 28;
const OFFSET_VALUE = 20;
const OFFSET_PARAM = 24;
const PARAM_EXPECTED = 1;
const PARAM_VOTES = 2;
const FLAG_QUORATE = 1;
const FLAG_LEAVING = 2;
const FLAG_WAITING_FOR_ALL = 4;
const FLAG_FIRST = 8;

export interface NodeVotes {
  readonly votes: number;
  readonly expected: number;
  readonly flags: number;
}

export interface VoteOptions extends Omit<VotequorumOptions, 'provider' | 'votes' | 'asCorosync'> {
  /** Votes of this node. */
  readonly votes: number;
  /** Where the highest expectation is kept (`allowDownscale`). */
  readonly store?: QuorumStore;
  /** Wall clock in ns, for the window of last_man_standing. */
  readonly wallClock?: () => bigint;
}

export interface Votequorum {
  readonly service: CorosyncService;
  readonly filter: QuorumFilter;
}

export function encodeNodeInfo(nodeId: number, info: NodeVotes): Uint8Array {
  const view = createExecMessage(VOTEQUORUM_SERVICE_ID, FN_NODEINFO, MESSAGE_BYTES);
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
  if (message.length !== MESSAGE_BYTES) return undefined;
  const view = viewOf(message);
  return {
    nodeId: view.getUint32(OFFSET_NODE, true),
    votes: view.getUint32(OFFSET_VOTES, true),
    expected: view.getUint32(OFFSET_EXPECTED, true),
    flags: view.getUint32(OFFSET_FLAGS, true),
  };
}

/** `corosync-quorumtool -e`: the expected votes of all nodes. */
export function encodeExpected(nodeId: number, expected: number): Uint8Array {
  const view = createExecMessage(VOTEQUORUM_SERVICE_ID, FN_RECONFIGURE, MESSAGE_BYTES);
  view.setUint32(OFFSET_NODE, nodeId, true);
  view.setUint32(OFFSET_VALUE, expected, true);
  view.setUint8(OFFSET_PARAM, PARAM_EXPECTED);
  return new Uint8Array(view.buffer);
}

export function createVotequorum(bus: CorosyncBus, options: VoteOptions): Votequorum {
  const { votes, store, wallClock = () => 0n, ...rest } = options;
  const rules = rulesOf({ ...rest, provider: 'votequorum', asCorosync: true });
  const ballot = new Ballot(rules, store);
  /** What the members of the ring that is being synchronised, or was, have said. */
  const said = new Map<number, NodeVotes>();
  let members: readonly number[] = [];
  let seq = 0;
  let sent = true;
  let everWithOthers = false;
  let ownVotes = votes;
  let state: QuorumState = ballot.state();
  let listener: () => void = () => {};

  function flags(): number {
    const { quorate, waiting } = ballot.memory;
    const first = everWithOthers ? 0 : FLAG_FIRST;
    return (quorate ? FLAG_QUORATE : 0) | (waiting ? FLAG_WAITING_FOR_ALL : 0) | first;
  }

  function toldBy(nodeId: number): ToldVotes[] {
    const info = said.get(nodeId);
    if (info === undefined) return [];
    const quorate = (info.flags & FLAG_QUORATE) !== 0;
    const waiting = (info.flags & FLAG_WAITING_FOR_ALL) !== 0;
    const own =
      nodeId === bus.nodeId
        ? ballot.memory
        : { floor: 0, seq: 0, ran: 0, last: null, attempts: [] };
    const { votes: count, expected } = info;
    return [{ ...own, nodeId, votes: count, expected, quorate, waiting }];
  }

  function refresh(): void {
    state = ballot.state();
  }

  function changed(): void {
    refresh();
    listener();
  }

  function onNodeInfo(source: number, message: Uint8Array): string | undefined {
    const info = decodeNodeInfo(message);
    if (info === undefined) return 'malformed nodeinfo';
    if (info.nodeId === 0) return undefined;
    if (info.nodeId !== source) return 'nodeinfo for another node';
    if ((info.flags & FLAG_LEAVING) === 0) said.set(source, info);
    else {
      ballot.leaving(source);
      changed();
    }
    return undefined;
  }

  function onReconfigure(message: Uint8Array): string | undefined {
    if (message.length !== MESSAGE_BYTES) return 'malformed reconfiguration';
    const view = viewOf(message);
    const value = view.getUint32(OFFSET_VALUE, true);
    const param = view.getUint8(OFFSET_PARAM);
    if (param === PARAM_EXPECTED) ballot.setExpected(value);
    else if (param === PARAM_VOTES) {
      const node = view.getUint32(OFFSET_NODE, true);
      if (node === bus.nodeId) ownVotes = value;
      ballot.setVotes(node, value);
    } else return undefined;
    changed();
    return undefined;
  }

  const service: CorosyncService = {
    id: VOTEQUORUM_SERVICE_ID,
    name: 'votequorum',
    deliver(fn, source, message) {
      if (fn === FN_NODEINFO) return onNodeInfo(source, message);
      return fn === FN_RECONFIGURE ? onReconfigure(message) : undefined;
    },
    sync: {
      init(start: SyncStart) {
        ({ members } = start);
        ({ seq } = start.ringId);
        everWithOthers ||= members.length > 1;
        said.clear();
        sent = false;
      },
      work() {
        const mine = { votes: ownVotes, expected: ballot.memory.expected, flags: flags() };
        sent ||= bus.multicast(encodeNodeInfo(bus.nodeId, mine));
        return sent;
      },
      activate() {
        ballot.decide(seq, members.flatMap(toldBy), wallClock());
        refresh();
      },
      abort: () => said.clear(),
    },
    inspect: () => ({ ...state }),
  };
  // The synchronisation activates this service before any view that asks: ids are taken in order.
  const filter: QuorumFilter = {
    name: 'votequorum',
    update: () => state,
    get state() {
      return state;
    },
    deadline: () => ballot.deadline,
    expire(time) {
      ballot.expire(time);
      refresh();
    },
    refusesExpected: (expected) => ballot.refuses(expected),
    // Safe: what lets a smaller part be quorate must have reached all before any of them acts on it.
    submit(what, value) {
      if (what === 'expected') return bus.multicast(encodeExpected(bus.nodeId, value), 'safe');
      // Like the C daemon: only where it means something.
      if (!rules.allowDownscale) return false;
      const mine = { votes: ownVotes, expected: ballot.memory.expected };
      const leaving = encodeNodeInfo(bus.nodeId, { ...mine, flags: flags() | FLAG_LEAVING });
      return bus.multicast(leaving, 'safe');
    },
    onChange(told) {
      listener = told;
    },
  };
  return { service, filter };
}
