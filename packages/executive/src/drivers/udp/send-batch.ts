/**
 * Datagrams to send, gathered for one sendmmsg(2): packets one after the other in an arena, an iovec per
 * packet, a header per datagram. All of it is made once; a packet costs its copy and a few words.
 */
import { SEND_ARENA_BYTES, SEND_BATCH } from '../../limits.ts';
import type { Context } from './calls.ts';
import {
  ECONNREFUSED,
  EINTR,
  IOV,
  IOVEC_BYTES,
  IOVEC_WORDS,
  IOVLEN,
  MMSGHDR_BYTES,
  MMSGHDR_WORDS,
  MSG_DONTWAIT,
  NAME,
  NAMELEN_BYTE,
} from './linux.ts';
import type { Endpoint } from './peers.ts';
import { encodeSockaddr } from './sockaddr.ts';

/** Where to send, encoded once. */
export interface Destination {
  readonly bytes: Buffer;
  readonly pointer: bigint;
}

export interface Sender {
  destination(endpoint: Endpoint): Destination;
  /** Copies a packet into the batch; what does not fit any more is sent first. */
  queue(packet: Uint8Array, destinations: readonly Destination[]): void;
  flush(): void;
}

export function createSender({ pin, errno, calls, fd, counters, onError }: Context): Sender {
  const arena = Buffer.alloc(SEND_ARENA_BYTES);
  const iovecs = new BigUint64Array(SEND_BATCH * IOVEC_WORDS);
  const headers = new BigUint64Array(SEND_BATCH * MMSGHDR_WORDS).fill(0n);
  const headerBytes = Buffer.from(headers.buffer);
  const arenaAt = pin(arena);
  const iovecsAt = pin(new Uint8Array(iovecs.buffer));
  const iovecAt = Array.from({ length: SEND_BATCH }, (_, i) => iovecsAt + BigInt(i * IOVEC_BYTES));
  for (let i = 0; i < SEND_BATCH; i++) headers[i * MMSGHDR_WORDS + IOVLEN] = 1n;
  let packets = 0;
  let used = 0;
  let count = 0;

  function copy(packet: Uint8Array): void {
    arena.set(packet, used);
    iovecs[packets * IOVEC_WORDS] = arenaAt + BigInt(used);
    iovecs[packets * IOVEC_WORDS + 1] = BigInt(packet.length);
    packets++;
    used += packet.length;
  }

  function add({ bytes, pointer }: Destination): void {
    headers[count * MMSGHDR_WORDS + NAME] = pointer;
    headerBytes.writeUInt32LE(bytes.length, count * MMSGHDR_BYTES + NAMELEN_BYTE);
    headers[count * MMSGHDR_WORDS + IOV] = iovecAt[packets - 1]!;
    count++;
  }

  function flush(): void {
    let sent = 0;
    let refused = 0;
    while (sent < count) {
      counters.sendCalls++;
      const rest = sent === 0 ? headerBytes : headerBytes.subarray(sent * MMSGHDR_BYTES);
      const result = calls.sendmmsg(fd, rest, count - sent, MSG_DONTWAIT);
      const error = result > 0 ? 0 : errno();
      if (result > 0) sent += result;
      // An earlier refusal is reported in the place of sending, or, if some were sent, swallowed: it is over
      // now and the packet goes again.
      if (error === ECONNREFUSED || (error === 0 && sent < count)) {
        onError();
        refused++;
      }
      const isRetried = error === 0 || error === EINTR || error === ECONNREFUSED;
      if (!isRetried || refused > SEND_BATCH) {
        // No memory, no route, a full queue: loss, which the protocol is made for.
        counters.sendErrors++;
        sent++;
      }
    }
    packets = 0;
    used = 0;
    count = 0;
  }

  return {
    destination(endpoint) {
      const bytes = encodeSockaddr(endpoint);
      return { bytes, pointer: pin(bytes) };
    },
    queue(packet, destinations) {
      if (used + packet.length > SEND_ARENA_BYTES) flush();
      let isCopied = false;
      for (const destination of destinations) {
        if (count === SEND_BATCH) {
          flush();
          isCopied = false;
        }
        if (!isCopied) copy(packet);
        isCopied = true;
        add(destination);
      }
    },
    flush,
  };
}
