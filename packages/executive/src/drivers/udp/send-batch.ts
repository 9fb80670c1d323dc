/**
 * Datagrams to send, gathered for one sendmmsg(2): packets one after the other in an arena. Packets of one
 * size to the same peers form a run, which leaves as one send per peer and is cut up by the kernel or the
 * network card (UDP_SEGMENT); the receiver sees datagrams like any others (ADR 0140). All memory is made once;
 * a packet costs its copy and a few words.
 */
import { SEGMENTED_BYTES_MAX, SEGMENTS_MAX, SEND_ARENA_BYTES, SEND_BATCH } from '../../limits.ts';
import type { Context } from './calls.ts';
import {
  CMSGHDR_BYTES,
  CONTROL,
  CONTROLLEN,
  ECONNREFUSED,
  EINTR,
  EINVAL,
  EIO,
  EMSGSIZE,
  IOV,
  IOVEC_BYTES,
  IOVEC_WORDS,
  IOVLEN,
  MMSGHDR_BYTES,
  MMSGHDR_WORDS,
  MSG_DONTWAIT,
  NAME,
  NAMELEN_BYTE,
  SOL_UDP,
  UDP_SEGMENT,
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
  /**
   * Copies a packet into the batch; what does not fit any more is sent first. Packets with the very same
   * array of destinations may leave together.
   */
  queue(packet: Uint8Array, destinations: readonly Destination[]): void;
  flush(): void;
}

/** Packets of `size` bytes, the last one maybe shorter, for the same destinations. */
interface Run {
  start: number;
  bytes: number;
  packets: number;
  size: number;
  destinations: readonly Destination[];
}

/** A control message with a u16, padded to words. */
const CONTROL_BYTES = CMSGHDR_BYTES + 8;

export function createSender({ pin, errno, calls, fd, counters, onError }: Context): Sender {
  const arena = Buffer.alloc(SEND_ARENA_BYTES);
  const iovecs = new BigUint64Array(SEND_BATCH * IOVEC_WORDS);
  const headers = new BigUint64Array(SEND_BATCH * MMSGHDR_WORDS).fill(0n);
  const headerBytes = Buffer.from(headers.buffer);
  const controls = Buffer.alloc(SEND_BATCH * CONTROL_BYTES);
  const arenaAt = pin(arena);
  const iovecsAt = pin(new Uint8Array(iovecs.buffer));
  const controlsAt = pin(controls);
  for (let i = 0; i < SEND_BATCH; i++) {
    headers[i * MMSGHDR_WORDS + IOV] = iovecsAt + BigInt(i * IOVEC_BYTES);
    headers[i * MMSGHDR_WORDS + IOVLEN] = 1n;
    headers[i * MMSGHDR_WORDS + CONTROL] = controlsAt + BigInt(i * CONTROL_BYTES);
    controls.writeBigUInt64LE(BigInt(CMSGHDR_BYTES + 2), i * CONTROL_BYTES);
    controls.writeUInt32LE(SOL_UDP, i * CONTROL_BYTES + 8);
    controls.writeUInt32LE(UDP_SEGMENT, i * CONTROL_BYTES + 12);
  }
  const runs: Run[] = Array.from({ length: SEND_BATCH }, emptyRun);
  let runCount = 0;
  let used = 0;
  /** Datagrams of the batch, every segment counted. */
  let datagrams = 0;
  /** Headers filled, and the run and destination of the next one. */
  let filled = 0;

  function put(
    start: number,
    bytes: number,
    segment: number,
    { bytes: name, pointer }: Destination,
  ) {
    iovecs[filled * IOVEC_WORDS] = arenaAt + BigInt(start);
    iovecs[filled * IOVEC_WORDS + 1] = BigInt(bytes);
    headers[filled * MMSGHDR_WORDS + NAME] = pointer;
    headerBytes.writeUInt32LE(name.length, filled * MMSGHDR_BYTES + NAMELEN_BYTE);
    const isCut = segment < bytes;
    headers[filled * MMSGHDR_WORDS + CONTROLLEN] = isCut ? BigInt(CONTROL_BYTES) : 0n;
    if (isCut) controls.writeUInt16LE(segment, filled * CONTROL_BYTES + CMSGHDR_BYTES);
    filled++;
  }

  /** Headers for all sends of the batch but the first `skipped`. */
  function fill(skipped: number): void {
    filled = 0;
    let index = 0;
    for (let i = 0; i < runCount; i++) {
      const { start, bytes, packets, size, destinations } = runs[i]!;
      for (const destination of destinations) {
        if (index++ < skipped) continue;
        if (counters.segmentationOff === 0) {
          if (packets > 1) counters.segments += packets;
          put(start, bytes, size, destination);
          continue;
        }
        for (let at = 0; at < bytes; at += size) {
          put(start + at, Math.min(size, bytes - at), size, destination);
        }
      }
    }
  }

  /** What the kernel says about segments it cannot make: no offload on the way, or larger than its MTU. */
  function isSegmentationRefused(error: number, header: number): boolean {
    const isCut = headers[header * MMSGHDR_WORDS + CONTROLLEN] !== 0n;
    return isCut && (error === EINVAL || error === EIO || error === EMSGSIZE);
  }

  function flush(): void {
    let sent = 0;
    let refused = 0;
    fill(0);
    while (sent < filled) {
      counters.sendCalls++;
      const rest = sent === 0 ? headerBytes : headerBytes.subarray(sent * MMSGHDR_BYTES);
      const result = calls.sendmmsg(fd, rest, filled - sent, MSG_DONTWAIT);
      const error = result > 0 ? 0 : errno();
      if (result > 0) sent += result;
      // An earlier refusal is reported in the place of sending, or, if some were sent, swallowed: it is over
      // now and the packet goes again.
      if (error === ECONNREFUSED || (error === 0 && sent < filled)) {
        onError();
        refused++;
      }
      if (isSegmentationRefused(error, sent)) {
        counters.segmentationOff = 1;
        fill(sent);
        sent = 0;
        continue;
      }
      const isRetried = error === 0 || error === EINTR || error === ECONNREFUSED;
      if (!isRetried || refused > SEND_BATCH) {
        // No memory, no route, a full queue: loss, which the protocol is made for.
        counters.sendErrors++;
        sent++;
      }
    }
    runCount = 0;
    used = 0;
    datagrams = 0;
    filled = 0;
  }

  function begin(size: number, destinations: readonly Destination[]): Run {
    const run = runs[runCount++]!;
    run.start = used;
    run.bytes = 0;
    run.packets = 0;
    run.size = size;
    run.destinations = destinations;
    return run;
  }

  function add(packet: Uint8Array, destinations: readonly Destination[]): void {
    if (used + packet.length > SEND_ARENA_BYTES || datagrams + destinations.length > SEND_BATCH) {
      flush();
    }
    const last = runCount === 0 ? undefined : runs[runCount - 1]!;
    const run =
      last !== undefined && goesOn(last, packet.length, destinations)
        ? last
        : begin(packet.length, destinations);
    arena.set(packet, used);
    used += packet.length;
    run.bytes += packet.length;
    run.packets++;
    datagrams += destinations.length;
  }

  return {
    destination(endpoint) {
      const bytes = encodeSockaddr(endpoint);
      return { bytes, pointer: pin(bytes) };
    },
    queue(packet, destinations) {
      for (let from = 0; from < destinations.length; from += SEND_BATCH) {
        const isWhole = destinations.length <= SEND_BATCH;
        add(packet, isWhole ? destinations : destinations.slice(from, from + SEND_BATCH));
      }
    },
    flush,
  };
}

function emptyRun(): Run {
  return { start: 0, bytes: 0, packets: 0, size: 0, destinations: [] };
}

/** Whether a packet of this length can be the next segment of a run. */
function goesOn(run: Run, length: number, destinations: readonly Destination[]): boolean {
  const isOpen = run.bytes === run.packets * run.size;
  return (
    isOpen &&
    run.destinations === destinations &&
    length <= run.size &&
    run.packets < SEGMENTS_MAX &&
    run.bytes + length <= SEGMENTED_BYTES_MAX
  );
}
