import { describe, expect, test } from '@jest/globals';
import { DATAGRAM_BYTES_MIN, RECEIVE_BATCH, RECEIVE_PER_TURN } from '../../limits.ts';
import type { Calls, Counters } from './calls.ts';
import {
  CONTROL,
  CONTROLLEN_BYTE,
  EAGAIN,
  IOV,
  MMSGHDR_BYTES,
  MSG_LEN_BYTE,
  NAME,
  NAMELEN_BYTE,
  SOL_UDP,
  UDP_GRO,
} from './linux.ts';
import { createReceiver } from './receive-batch.ts';
import { encodeSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

const ECONNREFUSED = 111;
const WORD = 8;
const CONTROL_ROOM = 24;

/** A message of the kernel: one datagram, or what it made of several. */
interface Message {
  readonly bytes: Uint8Array;
  readonly control?: { readonly level?: number; readonly type?: number; readonly size: number };
}

/** A kernel with these messages in its queue; a number is an errno. */
function receiverOf(queue: (Message | number)[]) {
  const memory: Uint8Array[] = [];
  let errno = 0;
  let errors = 0;
  const counters = { receiveCalls: 0, coalesced: 0 } as Counters;
  const at = (headers: Buffer, i: number, word: number, length: number) => {
    const pointer = headers.readBigUInt64LE(i * MMSGHDR_BYTES + word * WORD);
    const bytes = memory[Number(pointer >> 32n)]!;
    return Buffer.from(bytes.buffer, bytes.byteOffset + Number(pointer & 0xffffffffn), length);
  };
  const write = (headers: Buffer, i: number, { bytes, control }: Message) => {
    const header = i * MMSGHDR_BYTES;
    // What the call before has left here must have been renewed.
    expect(headers.readUInt32LE(header + NAMELEN_BYTE)).toBe(SOCKADDR_BYTES);
    expect(headers.readUInt32LE(header + CONTROLLEN_BYTE)).toBe(CONTROL_ROOM);
    const name = encodeSockaddr({ address: '10.0.0.2', port: 5405 });
    at(headers, i, NAME, SOCKADDR_BYTES).set(name);
    headers.writeUInt32LE(name.length, header + NAMELEN_BYTE);
    const iovec = at(headers, i, IOV, 2 * WORD).readBigUInt64LE(0);
    const slot = memory[Number(iovec >> 32n)]!;
    slot.set(bytes, Number(iovec & 0xffffffffn));
    headers.writeUInt32LE(bytes.length, header + MSG_LEN_BYTE);
    headers.writeUInt32LE(control === undefined ? 0 : CONTROL_ROOM, header + CONTROLLEN_BYTE);
    if (control === undefined) return;
    const written = at(headers, i, CONTROL, CONTROL_ROOM);
    written.writeBigUInt64LE(20n, 0);
    written.writeInt32LE(control.level ?? SOL_UDP, 8);
    written.writeInt32LE(control.type ?? UDP_GRO, 12);
    written.writeInt32LE(control.size, 16);
  };
  const recvmmsg = (_fd: number, headers: Buffer, room: number): number => {
    const first = queue[0];
    errno = typeof first === 'number' ? (queue.shift() as number) : EAGAIN;
    if (first === undefined || typeof first === 'number') return -1;
    let count = 0;
    while (count < room && typeof queue[0] === 'object') {
      write(headers, count++, queue.shift() as Message);
    }
    return count;
  };
  const receive = createReceiver({
    calls: { recvmmsg } as unknown as Calls,
    ...{ fd: 3, counters, errno: () => errno, onError: () => errors++ },
    pin: (bytes) => BigInt(memory.push(bytes) - 1) << 32n,
  });
  const got: string[] = [];
  const turn = (isClosed = () => false) =>
    receive((packet, source) => {
      expect(source).toEqual({ address: '10.0.0.2', port: 5405 });
      got.push(`${packet.length}:${[...new Set(packet)].join(',')}`);
    }, isClosed);
  return { turn, got, counters, queue, errors: () => errors };
}

/** Datagrams of 20 bytes after each other, each full of its number, the last one with `last` bytes. */
function joined(count: number, last = 20): Uint8Array {
  return Uint8Array.from({ length: (count - 1) * 20 + last }, (_, i) => 1 + Math.floor(i / 20));
}

describe('what is received', () => {
  test('comes one by one when the kernel says nothing, and in pieces of the size that it tells', () => {
    const { turn, got, counters } = receiverOf([
      { bytes: joined(1) },
      { bytes: joined(3, 15), control: { size: 20 } },
      { bytes: joined(1, 17), control: { size: 20 } },
      { bytes: joined(2) },
      { bytes: joined(2), control: { size: 20 } },
    ]);
    turn();
    expect(got).toEqual(['20:1', '20:1', '20:2', '15:3', '17:1', '40:1,2', '20:1', '20:2']);
    expect(counters).toEqual({ receiveCalls: 1, coalesced: 5 });
  });

  test.each([
    ['a size of nothing', { size: 0 }, '40:1,2'],
    ['a negative size', { size: -20 }, '40:1,2'],
    ['a size that is larger than the whole', { size: 41 }, '40:1,2'],
    ['a message of another level', { size: 20, level: 1 }, '40:1,2'],
    ['a message of another type', { size: 20, type: 103 }, '40:1,2'],
    [
      'pieces that no packet is as short as',
      { size: DATAGRAM_BYTES_MIN - 1 },
      `${DATAGRAM_BYTES_MIN - 1}:1`,
    ],
  ])('%s is one datagram', (_, control, expected) => {
    const { turn, got, counters } = receiverOf([{ bytes: joined(2), control }]);
    turn();
    expect(got).toEqual([expected]);
    expect(counters.coalesced).toBe(0);
  });

  test('is bounded in one turn, by the datagrams and not by the calls', () => {
    const many = Array.from({ length: 2 * RECEIVE_PER_TURN }, () => ({
      bytes: joined(1),
    }));
    const one = receiverOf(many);
    one.turn();
    expect(one.got).toHaveLength(RECEIVE_PER_TURN);
    const run = { bytes: joined(60), control: { size: 20 } };
    const two = receiverOf(Array.from({ length: 2 * RECEIVE_BATCH }, () => run));
    two.turn();
    expect(two.counters.receiveCalls).toBe(1);
    expect(two.got).toHaveLength(60 * RECEIVE_BATCH);
    two.turn();
    expect(two.queue).toHaveLength(0);
  });

  test('is not asked for after the socket was closed', () => {
    const one = receiverOf(Array.from({ length: 3 * RECEIVE_BATCH }, () => ({ bytes: joined(1) })));
    one.turn(() => one.got.length > 0);
    expect(one.got).toHaveLength(RECEIVE_BATCH);
    expect(one.counters.receiveCalls).toBe(1);
  });

  test('an error in its place is told, an empty socket is none', () => {
    const one = receiverOf([ECONNREFUSED, { bytes: joined(1) }]);
    one.turn();
    expect(one.errors()).toBe(1);
    one.turn();
    one.turn();
    expect(one.got).toEqual(['20:1']);
    expect(one.errors()).toBe(1);
  });
});
