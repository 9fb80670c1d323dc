/**
 * Messages of group `ais-sync`, by which executives bring each other to one state. A fixed header says
 * which ring, what and which service; a body follows. Little-endian, version 1.
 *
 *     0 version u8 · 1 kind u8 · 2 service u16 · 4 rep u32 · 8 seq u64 · 16 body
 *
 * hello: msgpack of {@link Hello}. chunks: (u32 length, msgpack) one after the other. end: u8, 1 when the
 * state is complete, 0 when its sender could not produce it.
 */
import type { RingId } from '@aisexec/totem';
import { decode, encode } from '../codec.ts';
import type { NodeInfo } from '../contract.ts';
import {
  QUORUM_SAID_BYTES_MAX,
  SERVICE_NAME_BYTES_MAX,
  SERVICE_VERSION_MAX,
  SYNC_MEMBERS_MAX,
  SYNC_SERVICES_MAX,
} from '../limits.ts';
import { type Schema, s } from '../schema.ts';
import type { PastRing } from './past.ts';

/**
 * Format of these messages and of the envelopes in group `ais`. It does not change when services do: what those
 * speak is in the hello, whose unknown fields are ignored (ADR 0173).
 */
export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 16;
const KINDS = ['hello', 'chunks', 'end'] as const;
export type MessageKind = (typeof KINDS)[number];

/**
 * A history of ordered events: the last ring whose synchronisation completed on the node, how many events
 * were applied since and a digest of them. Equal lineages have applied the same events to the same state.
 */
export interface Lineage {
  readonly ringId: RingId;
  readonly events: number;
  readonly digest: string;
  /** No event was applied in this history, nor in what it came from: there is nothing to lose. */
  readonly pristine: boolean;
  readonly quorate: boolean;
  /** Sequence of the last quorate ring in this history, 0 for none: how much of the cluster's one history it knows. */
  readonly primary: number;
  /** Executives of that ring's view. */
  readonly members: readonly number[];
}

/** What every executive says first. */
export interface Hello {
  readonly node: NodeInfo;
  /** Wall clock of the node, ns. */
  readonly time: bigint;
  /** The last place in the order that the node gave to an event, 0 for none. */
  readonly order: bigint;
  /** null: a fresh node, which has no state. */
  readonly lineage: Lineage | null;
  /** Services that run here, with the hash of their state: empty for one that has just been loaded. */
  readonly services: readonly {
    readonly id: number;
    readonly hash: string;
    readonly name?: string | undefined;
    /** What its code speaks, unless that is the first version alone (versions.ts). */
    readonly version?: number | undefined;
    readonly minVersion?: number | undefined;
  }[];
  /** What its host speaks, unless that is the first version (host/speech.ts). */
  readonly host?: number | undefined;
  /** msgpack of what the node's quorum filter tells; absent where it has nothing to tell. */
  readonly quorum?: Uint8Array | undefined;
  /** Which rings its history went through (past.ts); absent: its code does not know. */
  readonly past?: readonly PastRing[] | undefined;
}

export interface Header {
  readonly kind: MessageKind;
  readonly service: number;
  readonly ringId: RingId;
}

/** What a node tells about itself. */
export const nodeSchema: Schema<NodeInfo> = s.object({
  nodeId: s.u32,
  name: s.text(SERVICE_NAME_BYTES_MAX),
  address: s.object({
    family: s.oneOf('inet', 'inet6'),
    text: s.text(SERVICE_NAME_BYTES_MAX),
  }),
  bootTime: s.i64,
});

const serviceVersion = s.integer(1, SERVICE_VERSION_MAX);
const ringIdSchema = s.object({ rep: s.u32, seq: s.count });
const helloSchema: Schema<Hello> = s.object({
  node: nodeSchema,
  time: s.i64,
  order: s.u64,
  lineage: s.nullable(
    s.object({
      ringId: ringIdSchema,
      events: s.count,
      digest: s.text(16),
      pristine: s.bool,
      quorate: s.bool,
      primary: s.count,
      members: s.list(s.u32, SYNC_MEMBERS_MAX),
    }),
  ),
  services: s.list(
    s.object({
      id: s.u8,
      hash: s.text(16),
      name: s.optional(s.text(SERVICE_NAME_BYTES_MAX)),
      version: s.optional(serviceVersion),
      minVersion: s.optional(serviceVersion),
    }),
    SYNC_SERVICES_MAX,
  ),
  host: s.optional(serviceVersion),
  quorum: s.optional(s.bytes(QUORUM_SAID_BYTES_MAX)),
  past: s.optional(s.list(s.object({ node: s.u32, ringId: ringIdSchema }), SYNC_MEMBERS_MAX)),
});

export function encodeHeader(header: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PROTOCOL_VERSION);
  view.setUint8(1, KINDS.indexOf(header.kind));
  view.setUint16(2, header.service, true);
  view.setUint32(4, header.ringId.rep, true);
  view.setBigUint64(8, BigInt(header.ringId.seq), true);
  return bytes;
}

/** @returns undefined for another version or rubbish. */
export function decodeHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = KINDS[view.getUint8(1)];
  if (view.getUint8(0) !== PROTOCOL_VERSION || kind === undefined) return undefined;
  return {
    kind,
    service: view.getUint16(2, true),
    ringId: { rep: view.getUint32(4, true), seq: Number(view.getBigUint64(8, true)) },
  };
}

export function encodeHello(ringId: RingId, hello: Hello): Uint8Array[] {
  return [encodeHeader({ kind: 'hello', service: 0, ringId }), encode(hello)];
}

/** @returns undefined when it does not fit, or speaks for another node than its sender. */
export function decodeHello(bytes: Uint8Array, source: number): Hello | undefined {
  const decoded = decode(bytes.subarray(HEADER_BYTES));
  if (!decoded.ok || !helloSchema.check(decoded.value)) return undefined;
  return decoded.value.node.nodeId === source ? decoded.value : undefined;
}

/** The parts of one chunks message. */
export function encodeChunks(header: Header, chunks: readonly Uint8Array[]): Uint8Array[] {
  const parts: Uint8Array[] = [encodeHeader(header)];
  for (const chunk of chunks) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, chunk.length, true);
    parts.push(length, chunk);
  }
  return parts;
}

/** The packed chunks of a message; undefined when the lengths do not add up. */
export function splitChunks(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Uint8Array[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined;
    const length = view.getUint32(at, true);
    at += 4;
    if (length > bytes.length - at) return undefined;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

export function encodeEnd(ringId: RingId, service: number, complete: boolean): Uint8Array[] {
  return [encodeHeader({ kind: 'end', service, ringId }), Uint8Array.of(complete ? 1 : 0)];
}

export function decodeEnd(bytes: Uint8Array): boolean {
  return bytes[HEADER_BYTES] === 1;
}
