/** Planted faults in the protocol itself: its packets and its stable store. Offsets: totem-wire §1. */
import { PACKET_TYPE, peekMulticast } from '../processes/packet-peek.ts';
import type { PartsMutation, RingParts } from '../processes/ring-process.ts';
import { u32 } from '../workloads/message.ts';
import type { Mutant } from './mutant.ts';

export const TYPE_OFFSET = 3;
const TOKEN_SEQ_OFFSET = 13;
const TOKEN_TOKEN_SEQ_OFFSET = 17;
const TOKEN_ARU_OFFSET = 21;
const TOKEN_ARU_ADDR_OFFSET = 25;

export function putU32(bytes: Uint8Array, offset: number, value: number): void {
  for (let i = 0; i < 4; i += 1) bytes[offset + i] = (value >>> (8 * i)) & 0xff;
}

export const isToken = (packet: Uint8Array): boolean => packet[TYPE_OFFSET] === PACKET_TYPE.token;

export function withUnicast(parts: RingParts, unicast: RingParts['effects']['unicast']): RingParts {
  return { ...parts, effects: { ...parts.effects, unicast } };
}

export function withMulticast(
  parts: RingParts,
  multicast: RingParts['effects']['multicast'],
): RingParts {
  return { ...parts, effects: { ...parts.effects, multicast } };
}

const forgetStore: PartsMutation = (parts) => ({
  ...parts,
  effects: { ...parts.effects, storeRingId: () => undefined },
});

const skipRetransmits: PartsMutation = (parts, environment) => {
  let ring = -1;
  let sentUpTo = 0;
  return withMulticast(parts, (packet) => {
    const found = peekMulticast(packet);
    if (found !== undefined) {
      if (found.source !== environment.node) return;
      if (found.ringId.seq !== ring) sentUpTo = -1;
      ring = found.ringId.seq;
      const place = (found.seq - parts.config.initialSeq) >>> 0;
      if (place <= sentUpTo) return;
      sentUpTo = place;
    }
    parts.effects.multicast(packet);
  });
};

/** The copy passes for a newer token: from here on two tokens go round. */
const doubleToken: PartsMutation = (parts, environment) => {
  const random = environment.random.fork('mutant');
  return withUnicast(parts, (target, packet) => {
    parts.effects.unicast(target, packet);
    if (!isToken(packet) || !random.chance(0.01)) return;
    const copy = packet.slice();
    putU32(copy, TOKEN_TOKEN_SEQ_OFFSET, u32(copy, TOKEN_TOKEN_SEQ_OFFSET) + 1);
    parts.effects.unicast(target, copy);
  });
};

/** The token claims that everybody has everything. */
const aruLie: PartsMutation = (parts) =>
  withUnicast(parts, (target, packet) => {
    if (isToken(packet)) {
      putU32(packet, TOKEN_ARU_OFFSET, u32(packet, TOKEN_SEQ_OFFSET));
      putU32(packet, TOKEN_ARU_ADDR_OFFSET, 0);
    }
    parts.effects.unicast(target, packet);
  });

/** The last sequence number is given away a second time. */
const reuseSeq: PartsMutation = (parts, environment) => {
  const random = environment.random.fork('mutant');
  return withUnicast(parts, (target, packet) => {
    const seq = u32(packet, TOKEN_SEQ_OFFSET);
    if (isToken(packet) && seq !== parts.config.initialSeq && random.chance(0.02)) {
      putU32(packet, TOKEN_SEQ_OFFSET, seq - 1);
    }
    parts.effects.unicast(target, packet);
  });
};

/** Once in a ring, it never listens to joins again: rings cannot merge. */
const deafToJoins: PartsMutation = (parts) => {
  let installed = false;
  return {
    ...parts,
    client: {
      ...parts.client,
      configuration(configuration) {
        installed ||= configuration.type === 'regular';
        parts.client.configuration(configuration);
      },
    },
    filter: (packet) => !(installed && packet[TYPE_OFFSET] === PACKET_TYPE.join),
  };
};

/** Every fifth token is thrown away, and its retransmission, too. */
const tokenEater: PartsMutation = (parts, environment) => {
  const random = environment.random.fork('mutant');
  let eaten = -1;
  return {
    ...parts,
    filter(packet) {
      if (!isToken(packet)) return true;
      const tokenSeq = u32(packet, TOKEN_TOKEN_SEQ_OFFSET);
      if (tokenSeq === eaten) return false;
      if (!random.chance(0.2)) return true;
      eaten = tokenSeq;
      return false;
    },
  };
};

/** Old messages are not handed on when the ring changes. */
const noRecoveryCopies: PartsMutation = (parts) =>
  withMulticast(parts, (packet) => {
    if (peekMulticast(packet)?.encapsulated !== true) parts.effects.multicast(packet);
  });

export const PROTOCOL_MUTANTS: readonly Mutant[] = [
  {
    name: 'forget-store',
    description: 'the ring sequence does not survive a restart',
    caughtBy: ['E2', 'E3'],
    seed: 2,
    mutate: forgetStore,
  },
  {
    name: 'skip-retransmit',
    description: 'what was lost is never sent again',
    caughtBy: ['L1', 'E5', 'E6'],
    seed: 1,
    mutate: skipRetransmits,
  },
  {
    name: 'no-recovery-copies',
    description: 'messages of the old ring are not handed on in recovery',
    caughtBy: ['L1', 'E5', 'E6', 'E8'],
    seed: 54,
    mutate: noRecoveryCopies,
  },
  {
    name: 'double-token',
    description: 'a second token goes round',
    caughtBy: ['E8'],
    seed: 1,
    mutate: doubleToken,
  },
  {
    name: 'aru-lie',
    description: 'the token claims that everybody has everything',
    caughtBy: ['E9'],
    seed: 3,
    mutate: aruLie,
  },
  {
    name: 'reuse-seq',
    description: 'a sequence number is given to a second message',
    caughtBy: ['E8'],
    seed: 6,
    mutate: reuseSeq,
  },
  {
    name: 'deaf-to-joins',
    description: 'a process that is in a ring ignores joins',
    caughtBy: ['L1'],
    seed: 1,
    mutate: deafToJoins,
  },
  {
    name: 'token-eater',
    description: 'one token in five vanishes with all its retransmissions',
    caughtBy: ['L1'],
    seed: 1,
    mutate: tokenEater,
  },
];
