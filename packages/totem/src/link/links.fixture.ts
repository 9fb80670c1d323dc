/** Two nodes' link layers over networks that a test cuts, in virtual time: a probe period a step. */
import { HEADER_BYTES, PACKET_TYPE, putHeader } from '../wire/index.ts';
import type { LinkConfig, LinkEvent, LinkMachine, LinkMode } from './contract.ts';
import { PROBES_PER_TOKEN } from './limits.ts';
import { createLinks } from './machine.ts';

export const TOKEN_MS = 800;
export const PERIOD_MS = TOKEN_MS / PROBES_PER_TOKEN;
/** Time from sending to arrival, well within a period. */
const DELAY_MS = 1;

export interface Sent {
  readonly link: number;
  readonly packet: number;
  readonly targets: readonly number[] | undefined;
}

export interface Side {
  readonly machine: LinkMachine;
  readonly events: LinkEvent[];
  /** Packets of the ring that were put on the networks. */
  readonly sent: Sent[];
  probes: number;
}

export interface Pair {
  readonly one: Side;
  readonly two: Side;
  now: number;
  /** Whether a datagram passes: `from` 1 or 2. */
  passes: (from: number, link: number) => boolean;
  /** Lets so many probe periods pass. */
  run(periods: number): void;
  /** One node's process sleeps so long and then finds its timer late. */
  sleep(side: Side, periods: number): void;
}

export function createPair(
  links: number,
  mode: LinkMode,
  initialNumber = 0,
  passes: Pair['passes'] = () => true,
): Pair {
  const all = Array.from({ length: links }, (_, link) => link);
  const asleep = new Set<Side>();
  const waiting: { to: Side; from: number; link: number; datagram: Uint8Array }[] = [];
  const config = (nodeId: number, peer: number): LinkConfig => ({
    nodeId,
    mode,
    tokenMs: TOKEN_MS,
    peers: [{ id: peer, links: all }],
    initialNumber,
  });

  const arrive = (): void => {
    // Answers to what arrives arrive in their turn, a delay later.
    while (waiting.some(({ to }) => !asleep.has(to))) {
      pair.now += DELAY_MS;
      for (const { to, from, link, datagram } of waiting.splice(0)) {
        if (asleep.has(to)) waiting.push({ to, from, link, datagram });
        else to.machine.receive(link, from, datagram, pair.now);
      }
    }
  };

  const createSide = (nodeId: number, peer: number): Side => {
    const put = (link: number, packet: Uint8Array, targets: readonly number[] | undefined) => {
      if (packet.length === HEADER_BYTES) side.sent.push({ link, packet: packet[3]!, targets });
      else if (pair.passes(nodeId, link)) {
        const to = nodeId === 1 ? pair.two : pair.one;
        waiting.push({ to, from: nodeId, link, datagram: packet.slice() });
      }
      if (packet.length !== HEADER_BYTES && packet[3] === 1) side.probes++;
    };
    const machine = createLinks(config(nodeId, peer), {
      unicast: (link, target, packet) => put(link, packet, [target]),
      multicast: put,
      setTimer: () => {},
      event: (event) => side.events.push(event),
    });
    const side: Side = { machine, events: [], sent: [], probes: 0 };
    return side;
  };

  const pair: Pair = {
    one: createSide(1, 2),
    two: createSide(2, 1),
    now: 1_000,
    passes,
    run(periods) {
      for (let i = 0; i < periods; i++) {
        const next = pair.now + PERIOD_MS;
        pair.now = next;
        for (const side of [pair.one, pair.two])
          if (!asleep.has(side)) side.machine.timeout(pair.now);
        arrive();
        pair.now = next;
      }
    },
    sleep(side, periods) {
      asleep.add(side);
      pair.run(periods);
      asleep.delete(side);
      side.machine.timeout(pair.now);
      arrive();
    },
  };
  for (const side of [pair.one, pair.two]) side.machine.start(pair.now);
  arrive();
  return pair;
}

/** A packet of the ring, of this type. */
export function ringPacket(type: number): Uint8Array {
  const packet = new Uint8Array(HEADER_BYTES);
  putHeader(packet, type, 0, 1);
  return packet;
}

/** The links on which a packet of the ring to node 2 goes out now; a token unless said otherwise. */
export function route(side: Side, type: number = PACKET_TYPE.orfToken): number[] {
  side.sent.length = 0;
  side.machine.unicast(2, ringPacket(type));
  return side.sent.map(({ link }) => link);
}

export const stateOf = (side: Side): string[] => side.machine.status().map(({ state }) => state);
