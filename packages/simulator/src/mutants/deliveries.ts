/** Planted faults in what is delivered: lost, doubled, swapped, damaged, too early, from elsewhere. */
import { type Guarantee, type RingClient, type RingId, ringIdEquals } from '@aisexec/totem';
import { MULTICAST_HEAD_BYTES, peekMulticast } from '../processes/packet-peek.ts';
import type { PartsMutation } from '../processes/ring-process.ts';
import { peekMessage } from '../workloads/message.ts';
import type { Mutant } from './mutant.ts';

type Deliver = RingClient['deliver'];

/** A mutation of `deliver` alone. */
function deliverMutation(
  wrap: (deliver: Deliver, now: (probability: number) => boolean, node: number) => Deliver,
): PartsMutation {
  return (parts, environment) => {
    const random = environment.random.fork('mutant');
    const deliver = wrap(
      (...delivery) => parts.client.deliver(...delivery),
      (probability) => random.chance(probability),
      environment.node,
    );
    return { ...parts, client: { ...parts.client, deliver } };
  };
}

const doubled = deliverMutation((deliver, now) => (...delivery) => {
  deliver(...delivery);
  if (now(0.01)) deliver(...delivery);
});

const dropped = deliverMutation((deliver, now) => (...delivery) => {
  if (!now(0.01)) deliver(...delivery);
});

const ownLost = deliverMutation((deliver, now, node) => (source, ...rest) => {
  if (source !== node || !now(0.02)) deliver(source, ...rest);
});

const corrupted = deliverMutation((deliver, now) => (source, payload, ...rest) => {
  const bytes = payload.slice();
  if (now(0.01)) bytes[bytes.length - 1]! ^= 0x40;
  deliver(source, bytes, ...rest);
});

const misattributed = deliverMutation((deliver, now) => (source, payload, ringId, guarantee) => {
  deliver(now(0.01) ? ringId.rep : source, payload, ringId, guarantee);
});

const swapped: PartsMutation = (parts, environment) => {
  const random = environment.random.fork('mutant');
  let held: Parameters<Deliver> | undefined;
  const release = (): void => {
    const delivery = held;
    held = undefined;
    if (delivery !== undefined) parts.client.deliver(...delivery);
  };
  return {
    ...parts,
    client: {
      ...parts.client,
      deliver(source, payload, ringId, guarantee) {
        if (held === undefined && random.chance(0.02)) {
          held = [source, payload.slice(), ringId, guarantee];
          return;
        }
        parts.client.deliver(source, payload, ringId, guarantee);
        release();
      },
      configuration(configuration) {
        release();
        parts.client.configuration(configuration);
      },
    },
  };
};

/** Delivers what the network brings and `wanted` picks, at once; the ring's own delivery is swallowed. */
function deliverOnReceipt(
  wanted: (own: RingId, packet: RingId) => boolean,
  probability: number,
): PartsMutation {
  return (parts, environment) => {
    const random = environment.random.fork('mutant');
    const early = new Set<number>();
    let ring: RingId | undefined;
    return {
      ...parts,
      client: {
        ...parts.client,
        deliver(source, payload, ringId, guarantee) {
          if (!early.delete(peekMessage(payload, 0))) {
            parts.client.deliver(source, payload, ringId, guarantee);
          }
        },
        configuration(configuration) {
          if (configuration.type === 'regular') ring = configuration.ringId;
          early.clear();
          parts.client.configuration(configuration);
        },
      },
      filter(packet) {
        const found = peekMulticast(packet);
        if (found === undefined || found.message === 0 || ring === undefined) return true;
        if (!wanted(ring, found.ringId) || early.has(found.message)) return true;
        if (!random.chance(probability)) return true;
        early.add(found.message);
        const payload = packet.slice(MULTICAST_HEAD_BYTES);
        const guarantee: Guarantee = payload[13] === 1 ? 'safe' : 'agreed';
        parts.client.deliver(found.source, payload, found.ringId, guarantee);
        return true;
      },
    };
  };
}

/** Every message travels as agreed and claims to be safe when it was asked to be. */
const safeAsAgreed: PartsMutation = (parts) => ({
  ...parts,
  submitAs: () => 'agreed',
  client: {
    ...parts.client,
    deliver(source, payload, ringId) {
      parts.client.deliver(source, payload, ringId, payload[13] === 1 ? 'safe' : 'agreed');
    },
  },
});

export const DELIVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'deliver-twice',
    description: 'now and then a message is delivered a second time',
    caughtBy: ['E1'],
    seed: 1,
    mutate: doubled,
  },
  {
    name: 'drop-delivery',
    description: 'now and then a delivery is left out',
    caughtBy: ['E8', 'E6', 'E5', 'E7'],
    seed: 1,
    mutate: dropped,
  },
  {
    name: 'lose-own',
    description: 'now and then a process does not deliver its own message',
    caughtBy: ['E5', 'E8'],
    seed: 1,
    mutate: ownLost,
  },
  {
    name: 'swap-deliveries',
    description: 'now and then two deliveries change places',
    caughtBy: ['E8', 'E7'],
    seed: 1,
    mutate: swapped,
  },
  {
    name: 'corrupt-payload',
    description: 'now and then a bit of the payload flips',
    caughtBy: ['E1'],
    seed: 1,
    mutate: corrupted,
  },
  {
    name: 'wrong-source',
    description: 'now and then the representative is named as the sender',
    caughtBy: ['E1'],
    seed: 1,
    mutate: misattributed,
  },
  {
    name: 'deliver-early',
    description: 'a message is delivered when it arrives and not at its place in the order',
    caughtBy: ['E8', 'E7'],
    seed: 1,
    mutate: deliverOnReceipt(ringIdEquals, 0.1),
  },
  {
    name: 'foreign-message',
    description: 'a message of another ring is delivered',
    caughtBy: ['E11'],
    seed: 1,
    mutate: deliverOnReceipt((own, other) => !ringIdEquals(own, other), 1),
  },
  {
    name: 'safe-as-agreed',
    description: 'safe messages are delivered in their order without waiting until they are stable',
    caughtBy: ['E9'],
    seed: 3,
    mutate: safeAsAgreed,
  },
];
