/**
 * Datagrams that wait in the socket, taken with recvmmsg(2) into slots of the largest size, where their
 * handler reads them (ADR 0138). Where the kernel coalesces (UDP_GRO, ADR 0210), a slot holds several of one
 * sender and one size, the last one maybe shorter.
 */
import {
  DATAGRAM_BYTES_MIN,
  RECEIVE_BATCH,
  RECEIVE_PER_TURN,
  RECEIVE_SLOT_BYTES,
  SOURCES_KNOWN_MAX,
} from '../../limits.ts';
import type { Context } from './calls.ts';
import {
  CMSGHDR_BYTES,
  CONTROL,
  CONTROLLEN_BYTE,
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
  SOL_UDP,
  UDP_GRO,
} from './linux.ts';
import type { Endpoint } from './peers.ts';
import { decodeSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

/** The bytes are valid during the call. */
export type OnDatagram = (packet: Uint8Array, source: Endpoint | undefined) => void;

/** Takes what waits, or as much of it as one turn may have. After `isClosed` the descriptor is not touched. */
export type Receiver = (handle: OnDatagram, isClosed: () => boolean) => void;

/** A control message with an int, padded to words. */
const CONTROL_BYTES = CMSGHDR_BYTES + 8;

export function createReceiver({ pin, errno, calls, fd, counters, onError }: Context): Receiver {
  const slots = Buffer.alloc(RECEIVE_BATCH * RECEIVE_SLOT_BYTES);
  const names = Buffer.alloc(RECEIVE_BATCH * SOCKADDR_BYTES);
  const iovecs = new BigUint64Array(RECEIVE_BATCH * IOVEC_WORDS);
  const headers = new BigUint64Array(RECEIVE_BATCH * MMSGHDR_WORDS);
  const headerBytes = Buffer.from(headers.buffer);
  const controls = Buffer.alloc(RECEIVE_BATCH * CONTROL_BYTES);
  const slotsAt = pin(slots);
  const namesAt = pin(names);
  const controlsAt = pin(controls);
  const iovecsAt = pin(new Uint8Array(iovecs.buffer));
  for (let i = 0; i < RECEIVE_BATCH; i++) {
    iovecs[i * IOVEC_WORDS] = slotsAt + BigInt(i * RECEIVE_SLOT_BYTES);
    iovecs[i * IOVEC_WORDS + 1] = BigInt(RECEIVE_SLOT_BYTES);
    headers[i * MMSGHDR_WORDS + NAME] = namesAt + BigInt(i * SOCKADDR_BYTES);
    headers[i * MMSGHDR_WORDS + IOV] = iovecsAt + BigInt(i * IOVEC_BYTES);
    headers[i * MMSGHDR_WORDS + IOVLEN] = 1n;
    headers[i * MMSGHDR_WORDS + CONTROL] = controlsAt + BigInt(i * CONTROL_BYTES);
    renew(i);
  }
  const sourceOf = createSourceReader(names);

  /** What the kernel has written over. */
  function renew(i: number): void {
    headerBytes.writeUInt32LE(SOCKADDR_BYTES, i * MMSGHDR_BYTES + NAMELEN_BYTE);
    headerBytes.writeUInt32LE(CONTROL_BYTES, i * MMSGHDR_BYTES + CONTROLLEN_BYTE);
  }

  /** Bytes of each datagram in a slot: those of the whole when nothing is said. */
  function pieceBytes(i: number, length: number): number {
    const told = headerBytes.readUInt32LE(i * MMSGHDR_BYTES + CONTROLLEN_BYTE);
    if (told < CMSGHDR_BYTES + 4) return length;
    const at = i * CONTROL_BYTES;
    const isSize =
      controls.readInt32LE(at + 8) === SOL_UDP && controls.readInt32LE(at + 12) === UDP_GRO;
    const bytes = isSize ? controls.readInt32LE(at + CMSGHDR_BYTES) : 0;
    return bytes > 0 && bytes < length ? bytes : length;
  }

  /** @returns how many datagrams were in the slot. */
  function handOn(i: number, handle: OnDatagram): number {
    const length = headerBytes.readUInt32LE(i * MMSGHDR_BYTES + MSG_LEN_BYTE);
    const piece = pieceBytes(i, length);
    const source = sourceOf(i * SOCKADDR_BYTES);
    renew(i);
    const start = i * RECEIVE_SLOT_BYTES;
    if (piece === length || piece < DATAGRAM_BYTES_MIN) {
      // No packet is that short: one stands for all of them.
      handle(new Uint8Array(slots.buffer, start, piece), source);
      return 1;
    }
    let count = 0;
    for (let at = 0; at < length; at += piece, count++) {
      handle(new Uint8Array(slots.buffer, start + at, Math.min(piece, length - at)), source);
    }
    counters.coalesced += count;
    return count;
  }

  return (handle, isClosed) => {
    let handled = 0;
    while (handled < RECEIVE_PER_TURN && !isClosed()) {
      counters.receiveCalls++;
      const count = calls.recvmmsg(fd, headerBytes, RECEIVE_BATCH, MSG_DONTWAIT, null);
      if (count < 0 && errno() !== EAGAIN) onError();
      for (let i = 0; i < count; i++) handled += handOn(i, handle);
      if (count < RECEIVE_BATCH) return;
    }
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
