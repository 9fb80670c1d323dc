/**
 * The receiving side of fragments: one assembly per sender (totem-wire §2). A packet that goes on from
 * one we do not have loses its first piece only: whole pieces behind the dropped tail are delivered,
 * where Corosync drops the packet. That is correct, since they are in the order and complete.
 */
import { append, type BufferPool } from '../buffer-pool.ts';
import { ASSEMBLY_BYTES_MAX, BUFFER_KEPT_BYTES_MAX } from './limits.ts';
import { type PacketHead, pieceLength } from './packet.ts';

export interface AssemblerCounters {
  /** First pieces without a beginning: the throw-away mode of totem-wire §2. */
  tailsDropped: number;
  /** Beginnings without an end. */
  beginningsDropped: number;
  /** Messages that outgrew the assembly buffer. */
  oversizeDropped: number;
}

export interface Assembler {
  /** One good packet; every message that is complete goes to `deliver`, in order. */
  receive(source: number, packet: Uint8Array, head: PacketHead, deliver: DeliverPiece): void;
  /** Drop the assemblies of all senders that are not in this list. */
  retain(members: readonly number[]): void;
  /** Senders in the middle of a message. */
  readonly open: number;
}

/** Called synchronously; `message` is valid during the call. */
export type DeliverPiece = (source: number, message: Uint8Array) => void;

interface Assembly {
  bytes: Uint8Array;
  length: number;
  /** Number of the last fragment; 0 when no message is open. */
  last: number;
}

export function createAssembler(counters: AssemblerCounters, pool: BufferPool): Assembler {
  const assemblies = new Map<number, Assembly>();

  const assemblyOf = (source: number): Assembly => {
    let assembly = assemblies.get(source);
    if (assembly === undefined) {
      assembly = { bytes: NO_BYTES, length: 0, last: 0 };
      assemblies.set(source, assembly);
    }
    return assembly;
  };

  /** The first piece of a packet that continues. */
  const goOn = (
    source: number,
    piece: Uint8Array,
    head: PacketHead,
    deliver: DeliverPiece,
  ): void => {
    const isEnd = head.count > 1 || head.fragmented === 0;
    const assembly = assemblies.get(source);
    if (assembly === undefined || assembly.last !== head.continuation) {
      if (assembly !== undefined) discard(assembly, counters, pool);
      counters.tailsDropped++;
      return;
    }
    if (!append(assembly, piece, pool, ASSEMBLY_BYTES_MAX)) {
      counters.oversizeDropped++;
      reset(assembly, pool);
      return;
    }
    if (!isEnd) {
      assembly.last = head.fragmented;
      return;
    }
    deliver(source, assembly.bytes.subarray(0, assembly.length));
    reset(assembly, pool);
  };

  return {
    receive(source, packet, head, deliver) {
      const { count, fragmented, continuation, dataStart } = head;
      let start = dataStart;
      let first = 0;
      if (continuation !== 0) {
        const end = start + pieceLength(packet, 0);
        goOn(source, packet.subarray(start, end), head, deliver);
        start = end;
        first = 1;
      } else {
        const assembly = assemblies.get(source);
        if (assembly !== undefined) discard(assembly, counters, pool);
      }
      const lastWhole = fragmented === 0 ? count : count - 1;
      for (let i = first; i < lastWhole; i++) {
        const end = start + pieceLength(packet, i);
        deliver(source, packet.subarray(start, end));
        start = end;
      }
      if (fragmented === 0 || (count === 1 && continuation !== 0)) return;
      const assembly = assemblyOf(source);
      append(assembly, packet.subarray(start), pool, ASSEMBLY_BYTES_MAX);
      assembly.last = fragmented;
    },
    retain(members) {
      for (const [source, assembly] of assemblies) {
        if (members.includes(source)) continue;
        discard(assembly, counters, pool);
        assemblies.delete(source);
      }
    },
    get open() {
      let open = 0;
      for (const assembly of assemblies.values()) if (assembly.last !== 0) open++;
      return open;
    },
  };
}

const NO_BYTES = new Uint8Array(0);

function discard(assembly: Assembly, counters: AssemblerCounters, pool: BufferPool): void {
  if (assembly.last !== 0) counters.beginningsDropped++;
  reset(assembly, pool);
}

function reset(assembly: Assembly, pool: BufferPool): void {
  assembly.length = 0;
  assembly.last = 0;
  if (assembly.bytes.length <= BUFFER_KEPT_BYTES_MAX) return;
  pool.give(assembly.bytes);
  assembly.bytes = NO_BYTES;
}
