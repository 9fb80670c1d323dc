/**
 * Datagrams that wait in the socket, taken with one recvmmsg(2) into slots of the largest size, where their
 * handler reads them (ADR 0138).
 */
import { RECEIVE_BATCH, RECEIVE_SLOT_BYTES, SOURCES_KNOWN_MAX } from '../../limits.ts';
import type { Context } from './calls.ts';
import {
  EAGAIN,
  IOV,
  IOVEC_BYTES,
  IOVEC_WORDS,
  IOVLEN,
  MMSGHDR_BYTES,
  MMSGHDR_WORDS,
  MSG_DONTWAIT,
  MSG_LEN_BYTE,
  NAME,
  NAMELEN_BYTE,
} from './linux.ts';
import type { Endpoint } from './peers.ts';
import { decodeSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

/** The bytes are valid during the call. */
export type OnDatagram = (packet: Uint8Array, source: Endpoint | undefined) => void;

/** Takes up to a batch. @returns how many there were. */
export type Receiver = (handle: OnDatagram) => number;

export function createReceiver({ pin, errno, calls, fd, counters, onError }: Context): Receiver {
  const slots = Buffer.alloc(RECEIVE_BATCH * RECEIVE_SLOT_BYTES);
  const names = Buffer.alloc(RECEIVE_BATCH * SOCKADDR_BYTES);
  const iovecs = new BigUint64Array(RECEIVE_BATCH * IOVEC_WORDS);
  const headers = new BigUint64Array(RECEIVE_BATCH * MMSGHDR_WORDS);
  const headerBytes = Buffer.from(headers.buffer);
  const slotsAt = pin(slots);
  const namesAt = pin(names);
  const iovecsAt = pin(new Uint8Array(iovecs.buffer));
  for (let i = 0; i < RECEIVE_BATCH; i++) {
    iovecs[i * IOVEC_WORDS] = slotsAt + BigInt(i * RECEIVE_SLOT_BYTES);
    iovecs[i * IOVEC_WORDS + 1] = BigInt(RECEIVE_SLOT_BYTES);
    headers[i * MMSGHDR_WORDS + NAME] = namesAt + BigInt(i * SOCKADDR_BYTES);
    headers[i * MMSGHDR_WORDS + IOV] = iovecsAt + BigInt(i * IOVEC_BYTES);
    headers[i * MMSGHDR_WORDS + IOVLEN] = 1n;
    headerBytes.writeUInt32LE(SOCKADDR_BYTES, i * MMSGHDR_BYTES + NAMELEN_BYTE);
  }
  const sourceOf = createSourceReader(names);

  return (handle) => {
    counters.receiveCalls++;
    const count = calls.recvmmsg(fd, headerBytes, RECEIVE_BATCH, MSG_DONTWAIT, null);
    if (count < 0) {
      if (errno() !== EAGAIN) onError();
      return 0;
    }
    for (let i = 0; i < count; i++) {
      const header = i * MMSGHDR_BYTES;
      const length = headerBytes.readUInt32LE(header + MSG_LEN_BYTE);
      headerBytes.writeUInt32LE(SOCKADDR_BYTES, header + NAMELEN_BYTE);
      const start = i * RECEIVE_SLOT_BYTES;
      const packet = new Uint8Array(slots.buffer, start, length);
      handle(packet, sourceOf(i * SOCKADDR_BYTES));
    }
    return count;
  };
}

/** Endpoints as they were decoded the first time; a flood of strangers only costs decoding. */
function createSourceReader(names: Buffer): (offset: number) => Endpoint | undefined {
  const known = new Map<string, Endpoint | undefined>();
  return (offset) => {
    const key = names.toString('latin1', offset, offset + SOCKADDR_BYTES);
    const source = known.get(key);
    if (source !== undefined) return source;
    if (known.size >= SOURCES_KNOWN_MAX) known.clear();
    const decoded = decodeSockaddr(names, offset);
    known.set(key, decoded);
    return decoded;
  };
}
