/** Planted faults in how rings are formed, watched and counted: joins, commit tokens, timers, quorum. Offsets: totem-wire §1. */
import { PACKET_TYPE } from '../processes/packet-peek.ts';
import type { PartsMutation, RingParts } from '../processes/ring-process.ts';
import { u32 } from '../workloads/message.ts';
import type { Mutant } from './mutant.ts';
import { isToken, putU32, TYPE_OFFSET, withMulticast, withUnicast } from './protocol.ts';

const COMMIT_COUNT_OFFSET = 37;
const COMMIT_INDEX_OFFSET = 33;
const COMMIT_HEAD_BYTES = 41;
const COMMIT_ENTRY_BYTES = 24;
const ENTRY_ARU = 12;
const ENTRY_DELIVERED = 16;
const ENTRY_RECEIVED = 20;
const TOKEN_RTR_COUNT_OFFSET = 53;
const TOKEN_BYTES = 57;

const isJoin = (packet: Uint8Array): boolean => packet[TYPE_OFFSET] === PACKET_TYPE.join;

/** Changes the commit entry that this node has just filled. */
function withOwnEntry(
  parts: RingParts,
  change: (packet: Uint8Array, entry: number) => void,
): RingParts {
  return withUnicast(parts, (target, packet) => {
    if (packet[TYPE_OFFSET] === PACKET_TYPE.commit) {
      const count = u32(packet, COMMIT_COUNT_OFFSET);
      const own = u32(packet, COMMIT_INDEX_OFFSET) - 1;
      if (own >= 0) change(packet, COMMIT_HEAD_BYTES + 4 * count + COMMIT_ENTRY_BYTES * own);
    }
    parts.effects.unicast(target, packet);
  });
}

/** Claims in the commit token to have everything: nobody copies anything for it. */
const claimsAll: PartsMutation = (parts) =>
  withOwnEntry(parts, (packet, entry) => {
    putU32(packet, entry + ENTRY_RECEIVED, 1);
    putU32(packet, entry + ENTRY_ARU, u32(packet, entry + ENTRY_ARU) + 10);
  });

/** Claims to have delivered more than it has: others take safe messages for stable. */
const deliveredLie: PartsMutation = (parts) =>
  withOwnEntry(parts, (packet, entry) => {
    putU32(packet, entry + ENTRY_DELIVERED, u32(packet, entry + ENTRY_DELIVERED) + 20);
  });

/** Names another old ring in the commit token: it seems to come from elsewhere. */
const wrongOldRing: PartsMutation = (parts) =>
  withOwnEntry(parts, (packet, entry) => putU32(packet, entry + 4, u32(packet, entry + 4) + 4));

/** Nobody's requests for lost messages travel on. */
const requestsForgotten: PartsMutation = (parts) =>
  withUnicast(parts, (target, packet) => {
    if (isToken(packet) && u32(packet, TOKEN_RTR_COUNT_OFFSET) > 0) {
      const bare = packet.slice(0, TOKEN_BYTES);
      putU32(bare, TOKEN_RTR_COUNT_OFFSET, 0);
      parts.effects.unicast(target, bare);
    } else parts.effects.unicast(target, packet);
  });

/** The loss of the token is never noticed. */
const patient: PartsMutation = (parts) => ({
  ...parts,
  effects: {
    ...parts.effects,
    setTimer(name, delayMs) {
      if (name !== 'token') parts.effects.setTimer(name, delayMs);
    },
  },
});

/** Accuses the ring of having lost the token after a twentieth of the time. */
const hasty: PartsMutation = (parts) => ({
  ...parts,
  effects: {
    ...parts.effects,
    setTimer: (name, delayMs) =>
      parts.effects.setTimer(name, name === 'token' ? delayMs / 20 : delayMs),
  },
});

/** The representative keeps an idle token for good. */
const tokenHoarder: PartsMutation = (parts) => ({
  ...parts,
  effects: {
    ...parts.effects,
    setTimer(name, delayMs) {
      if (name !== 'tokenHold' && name !== 'tokenRetransmit') parts.effects.setTimer(name, delayMs);
    },
  },
});

/** Rings that are idle are never announced, and joins of others are never answered: no merge. */
const deafToStrangers: PartsMutation = (parts) => {
  let members: readonly number[] = [];
  return {
    ...parts,
    client: {
      ...parts.client,
      deliver: (...delivery) => parts.client.deliver(...delivery),
      configuration(configuration) {
        if (configuration.type === 'regular') members = configuration.members;
        parts.client.configuration(configuration);
      },
    },
    filter: (packet) =>
      members.length === 0 || isToken(packet) || members.includes(u32(packet, SYSTEM_FROM_OFFSET)),
  };
};
const SYSTEM_FROM_OFFSET = 13;

/** Now and then a join goes out that no situation asked for. */
const joinStorm: PartsMutation = (parts, environment) => {
  const random = environment.random.fork('mutant');
  let last: Uint8Array | undefined;
  const storm = withMulticast(parts, (packet) => {
    if (isJoin(packet)) last = packet.slice();
    parts.effects.multicast(packet);
  });
  return {
    ...storm,
    filter(packet) {
      if (last !== undefined && isToken(packet) && random.chance(0.05)) {
        putU32(last, JOIN_RING_SEQ_OFFSET, parts.config.ringSeq + 1_000_000);
        parts.effects.multicast(last);
      }
      return true;
    },
  };
};
const JOIN_RING_SEQ_OFFSET = 25;

/** Half of the votes are enough. */
const halfIsEnough: PartsMutation = (parts, environment) => {
  const { quorum } = parts;
  if (quorum.provider !== 'votequorum') return parts;
  const expectedVotes = Math.max(1, Math.floor(environment.nodes.length / 2));
  // Two votes for oneself make every half a majority of what is expected.
  return { ...parts, quorum: { ...quorum, expectedVotes: Math.max(1, expectedVotes - 1) } };
};

/** Every node counts with a number of votes of its own making. */
const privateVotes: PartsMutation = (parts, environment) => {
  const { quorum } = parts;
  if (quorum.provider !== 'votequorum') return parts;
  return {
    ...parts,
    quorum: { ...quorum, votes: { [environment.node]: environment.nodes.length } },
  };
};

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'claims-all',
    description: 'a node claims in the commit token to have messages that it has not',
    caughtBy: ['E5', 'E6', 'E8', 'L1', 'X1'],
    seed: 5,
    mutate: claimsAll,
  },
  {
    name: 'delivered-lie',
    description: 'a node claims in the commit token to have delivered more than it has',
    caughtBy: ['E8', 'E9'],
    seed: 5,
    mutate: deliveredLie,
  },
  {
    name: 'wrong-old-ring',
    description: 'a node names another old ring in the commit token',
    caughtBy: ['E10', 'E6'],
    seed: 1,
    mutate: wrongOldRing,
  },
  {
    name: 'requests-forgotten',
    description: 'requests for lost messages are not handed on',
    caughtBy: ['L1', 'L3', 'E5', 'E6'],
    seed: 1,
    mutate: requestsForgotten,
  },
  {
    name: 'patient',
    description: 'the loss of the token is never noticed',
    caughtBy: ['L2'],
    seed: 68,
    mutate: patient,
  },
  {
    name: 'hasty',
    description: 'the token is given up after a twentieth of its time',
    caughtBy: ['L1', 'L3'],
    seed: 1,
    mutate: hasty,
  },
  {
    name: 'token-hoarder',
    description: 'the representative keeps an idle token for good',
    caughtBy: ['L1', 'L2', 'L3'],
    seed: 20,
    mutate: tokenHoarder,
  },
  {
    name: 'deaf-to-strangers',
    description: 'a ring hears nobody outside it',
    caughtBy: ['L1'],
    seed: 1,
    mutate: deafToStrangers,
  },
  {
    name: 'join-storm',
    description: 'now and then a join goes out that no situation asked for',
    caughtBy: ['L1', 'L3'],
    seed: 6,
    mutate: joinStorm,
  },
  {
    name: 'half-is-enough',
    description: 'less than half of the votes make a quorum',
    caughtBy: ['E12'],
    seed: 5,
    mutate: halfIsEnough,
  },
  {
    name: 'private-votes',
    description: 'every node gives itself as many votes as there are nodes',
    caughtBy: ['E12'],
    seed: 5,
    mutate: privateVotes,
  },
];
