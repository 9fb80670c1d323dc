/**
 * Who receives fragments whose beginning it lacks must agree with the Corosync daemons that lack it, too
 * (ADR 0212). Corosync's rules are in corosync-receiver.fixture.ts.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BufferPool } from '../buffer-pool.ts';
import { createAssembler } from './assembler.ts';
import { createCorosyncReceiver } from './corosync-receiver.fixture.ts';
import { createPacker } from './packer.ts';
import { createPacketHead, decodePacket } from './packet.ts';

const SOURCE = 2;
const PAYLOAD = 64;

describe('a receiver that comes in the middle of what a sender says', () => {
  test('doubts exactly what Corosync drops, wherever it comes in and wherever the sender starts anew', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 400 }));
    const step = fc.record({ size, flush: fc.boolean(), restart: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(60), (steps, missed) => {
        const packets = streamOf(steps).slice(missed);
        const corosync = createCorosyncReceiver();
        const ours = createReceiver();
        for (const packet of packets) {
          expect(ours(packet).filter(({ doubtful }) => !doubtful)).toEqual(
            corosync(packet).map((bytes) => ({ bytes: [...bytes], doubtful: false })),
          );
        }
      }),
    );
  });

  test('hears everything after the packet with which a sender that starts anew ends its cut message', () => {
    const packer = createPacker(PAYLOAD);
    const packets: Uint8Array[] = [];
    const send = (bytes: Uint8Array, fragmented: boolean): void => {
      packer.append(bytes, 0, bytes.length, 'agreed', !fragmented);
      packets.push(packer.seal(fragmented).slice());
      packer.next();
    };
    send(new Uint8Array(20), true);
    send(new Uint8Array(20), true);
    packer.restart(2);
    packets.push(packer.packet().slice());
    packer.next();
    send(Uint8Array.of(7), false);
    for (const missed of [0, 1, 2, 3]) {
      const corosync = createCorosyncReceiver();
      const ours = createReceiver();
      const rest = packets.slice(missed);
      expect(rest.flatMap(corosync)).toEqual([Uint8Array.of(7)]);
      expect(rest.flatMap(ours)).toEqual([{ bytes: [7], doubtful: false }]);
    }
  });
});

function createReceiver() {
  const counters = { tailsDropped: 0, beginningsDropped: 0, oversizeDropped: 0 };
  const assembler = createAssembler(counters, new BufferPool(1_000_000));
  const head = createPacketHead();
  return (packet: Uint8Array) => {
    const delivered: { bytes: number[]; doubtful: boolean }[] = [];
    expect(decodePacket(packet, head)).toBeUndefined();
    assembler.receive(SOURCE, packet, head, (_, bytes, doubtful) => {
      delivered.push({ bytes: [...bytes], doubtful });
    });
    return delivered;
  };
}

interface Step {
  readonly size: number;
  readonly flush: boolean;
  /** 0: the sender starts anew after this message. */
  readonly restart: number;
}

/** What a sender makes of messages; now and then it gives up what it has of one. */
function streamOf(steps: readonly Step[]): Uint8Array[] {
  const packer = createPacker(PAYLOAD);
  const packets: Uint8Array[] = [];
  let open = 0;
  const take = (packet: Uint8Array): void => {
    packets.push(packet.slice());
    open = packet[4] as number;
    packer.next();
  };
  steps.forEach(({ size, flush, restart }, number) => {
    const bytes = new Uint8Array(size).fill(number + 1);
    for (let at = 0; at < size; ) {
      const end = Math.min(size, at + packer.space);
      packer.append(bytes, at, end, 'agreed', end === size);
      at = end;
      if (end < size || packer.space <= 0) take(packer.seal(end < size));
    }
    if (restart === 0) {
      packer.restart(open);
      if (packer.sealed) take(packer.packet());
    } else if (flush && !packer.empty) take(packer.seal(false));
  });
  return packets;
}
