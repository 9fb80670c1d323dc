/**
 * The receiving side of fragments: one assembly per sender (totem-wire §2). A packet that goes on from one
 * we do not have loses its first piece. From there to the first packet that ends whole, that one included,
 * Corosync drops all that the sender says; here it is delivered as `doubtful`, for its receivers must agree
 * with those behind Corosync (ADR 0212).
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
  /** The number of this sender's last fragment, 0 when it is not in the middle of a message. */
  lastOf(source: number): number;
  /** Senders in the middle of a message. */
  readonly open: number;
}

/** Called synchronously; `message` is valid during the call. `doubtful`: Corosync does not deliver it. */
export type DeliverPiece = (source: number, message: Uint8Array, doubtful: boolean) => void;

interface Assembly {
  bytes: Uint8Array;
  length: number;
  /** Number of the last fragment; 0 when no message is open. */
  last: number;
  /** Corosync throws away what this sender says. */
  doubtful: boolean;
}

export function createAssembler(counters: AssemblerCounters, pool: BufferPool): Assembler {
  const assemblies = new Map<number, Assembly>();

  const assemblyOf = (source: number): Assembly => {
    let assembly = assemblies.get(source);
    if (assembly === undefined) {
      assembly = { bytes: NO_BYTES, length: 0, last: 0, doubtful: false };
      assemblies.set(source, assembly);
    }
    return assembly;
  };

  /** The first piece of a packet that continues. */
  const goOn = (
    source: number,
    assembly: Assembly,
    piece: Uint8Array,
    head: PacketHead,
    deliver: DeliverPiece,
  ): void => {
    const isEnd = head.count > 1 || head.fragmented === 0;
    if (assembly.last !== head.continuation) {
      discard(assembly, counters, pool);
      counters.tailsDropped++;
    } else if (!append(assembly, piece, pool, ASSEMBLY_BYTES_MAX)) {
      counters.oversizeDropped++;
      reset(assembly, pool);
    } else if (isEnd) {
      deliver(source, assembly.bytes.subarray(0, assembly.length), assembly.doubtful);
      reset(assembly, pool);
    } else assembly.last = head.fragmented;
  };

  return {
    receive(source, packet, head, deliver) {
      const { count, fragmented, continuation, dataStart } = head;
      const assembly = assemblyOf(source);
      assembly.doubtful ||= assembly.last !== continuation;
      let start = dataStart;
      let first = 0;
      if (continuation !== 0) {
        const end = start + pieceLength(packet, 0);
        goOn(source, assembly, packet.subarray(start, end), head, deliver);
        start = end;
        first = 1;
      } else discard(assembly, counters, pool);
      const lastWhole = fragmented === 0 ? count : count - 1;
      for (let i = first; i < lastWhole; i++) {
        const end = start + pieceLength(packet, i);
        deliver(source, packet.subarray(start, end), assembly.doubtful);
        start = end;
      }
      if (fragmented === 0) assembly.doubtful = false;
      else if (count > 1 || continuation === 0) {
        append(assembly, packet.subarray(start), pool, ASSEMBLY_BYTES_MAX);
        assembly.last = fragmented;
      }
    },
    retain(members) {
      for (const [source, assembly] of assemblies) {
        if (members.includes(source)) continue;
        discard(assembly, counters, pool);
        assemblies.delete(source);
      }
    },
    lastOf: (source) => assemblies.get(source)?.last ?? 0,
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
