/**
 * What travels in group `ais`: one msgpack array per ordered event. The sender's nodeid is the ring's word
 * (`GroupMessage.source`), not the message's. The array begins with the version of the format. What is of
 * version 1 of its service goes out in format 1, as it ever did; what is newer names its version and goes out in
 * format 2, which is sent only where all nodes that run the service understand it (ADR 0173).
 */
import { MESSAGE_BYTES_MAX } from '@aisexec/totem';
import { decode, encode } from '../codec.ts';
import {
  DEPARTED_MAX,
  SERVICE_NAME_BYTES_MAX,
  SERVICE_VERSION_MAX,
  STATE_BATCH_BYTES,
} from '../limits.ts';
import { s } from '../schema.ts';
import { PROTOCOL_VERSION } from '../sync/messages.ts';
import { FIRST_VERSION, type Spoken } from '../versions.ts';

/** Group of the services' ordered messages. */
export const AIS_GROUP = 'ais';

export type Envelope =
  | {
      readonly kind: 'exec';
      readonly service: number;
      readonly exec: string;
      readonly connection: number;
      readonly request: number;
      readonly time: bigint;
      /** Of the service: what its node's view spoke when the message was made. */
      readonly version: number;
      readonly payload: unknown;
    }
  | {
      readonly kind: 'gone';
      readonly service: number;
      readonly connection: number;
      readonly time: bigint;
    }
  /** Several clients of one service at once; of version 2 of the host (speech.ts). */
  | {
      readonly kind: 'departed';
      readonly service: number;
      readonly connections: readonly number[];
      readonly time: bigint;
    }
  | { readonly kind: 'expire'; readonly time: bigint }
  /**
   * For the quorum filter: an operator at the sender's set the expected votes, the sender leaves in good order, or
   * the filter's deadline has passed.
   */
  | {
      readonly kind: 'quorum';
      readonly what: 'expected' | 'leaving' | 'expired';
      readonly value: number;
      readonly time: bigint;
    }
  /** The sender has loaded a service and wants its state (ADR 0154). */
  | {
      readonly kind: 'join';
      readonly service: number;
      readonly time: bigint;
      readonly name: string;
      /** What its code speaks. */
      readonly spoken: Spoken;
    }
  /** The sender runs the service no more. */
  | { readonly kind: 'leave'; readonly service: number; readonly time: bigint }
  /** Part of a state for the node that joined at the place `handover`; an empty one ends it. */
  | {
      readonly kind: 'state';
      readonly service: number;
      readonly time: bigint;
      readonly handover: bigint;
      readonly chunks: readonly Uint8Array[];
    }
  /** About contents that follow in the background (ADR 0126). */
  | {
      readonly kind: 'background';
      readonly service: number;
      readonly time: bigint;
      readonly payload: unknown;
    }
  /** Comparing replicas (ADR 0128). */
  | { readonly kind: 'check'; readonly time: bigint; readonly payload: unknown };

/** The format of messages that name a version of their service. */
const VERSIONED = 2;
const serviceVersion = s.integer(FIRST_VERSION, SERVICE_VERSION_MAX);
const KIND = {
  exec: 1,
  gone: 2,
  expire: 3,
  join: 4,
  leave: 5,
  state: 6,
  background: 7,
  check: 8,
  quorum: 9,
  departed: 10,
} as const;
const name = s.text(SERVICE_NAME_BYTES_MAX);
const departed = s.list(s.u32, DEPARTED_MAX);
const quorumChange = s.oneOf('expected', 'leaving', 'expired');
const packed = s.list(s.bytes(MESSAGE_BYTES_MAX), STATE_BATCH_BYTES);

export function encodeEnvelope(event: Envelope): Uint8Array {
  const head = [PROTOCOL_VERSION, KIND[event.kind], event.time];
  switch (event.kind) {
    case 'expire':
      return encode(head);
    case 'quorum':
      return encode([...head, event.what, event.value]);
    case 'gone':
      return encode([...head, event.service, event.connection]);
    case 'departed':
      return encode([...head, event.service, event.connections]);
    case 'join':
      return encode([...head, event.service, event.name, ...versionsOf(event.spoken)]);
    case 'leave':
      return encode([...head, event.service]);
    case 'state':
      return encode([...head, event.service, event.handover, event.chunks]);
    case 'check':
      return encode([...head, event.payload]);
    case 'background':
      return encode([...head, event.service, event.payload]);
    case 'exec': {
      const { service, connection, exec, request, payload } = event;
      const fields = [service, connection, exec, request, payload];
      if (event.version === FIRST_VERSION) return encode([...head, ...fields]);
      return encode([VERSIONED, ...head.slice(1), ...fields, event.version]);
    }
  }
}

/** The first version goes without saying: nodes from before there were versions do not know the fields. */
function versionsOf({ version, minVersion }: Spoken): readonly number[] {
  return version === FIRST_VERSION ? [] : [version, minVersion];
}

/** @returns undefined for rubbish or another format. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  const decoded = decode(bytes);
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined;
  const fields: readonly unknown[] = decoded.value;
  const [version, kind, time, service, connection, exec, request, payload] = fields;
  if ((version !== PROTOCOL_VERSION && version !== VERSIONED) || !s.i64.check(time))
    return undefined;
  if (kind === KIND.expire) return { kind: 'expire', time };
  if (kind === KIND.check) return { kind: 'check', time, payload: fields[3] };
  if (kind === KIND.quorum) {
    const value = fields[4];
    if (!quorumChange.check(service) || !s.u32.check(value)) return undefined;
    return { kind: 'quorum', what: service, value, time };
  }
  if (!s.u8.check(service)) return undefined;
  const fourth = fields[4];
  if (kind === KIND.departed) {
    if (!departed.check(fourth)) return undefined;
    return { kind: 'departed', service, connections: fourth, time };
  }
  if (kind === KIND.leave) return { kind: 'leave', service, time };
  if (kind === KIND.join) {
    const [newest = FIRST_VERSION, oldest = FIRST_VERSION] = fields.slice(5);
    if (!name.check(fourth) || !serviceVersion.check(newest)) return undefined;
    if (!serviceVersion.check(oldest)) return undefined;
    const spoken = { version: newest, minVersion: oldest };
    return { kind: 'join', service, time, name: fourth, spoken };
  }
  if (kind === KIND.state) {
    const chunks = fields[5];
    if (!s.u64.check(fourth) || !packed.check(chunks)) return undefined;
    return { kind: 'state', service, time, handover: fourth, chunks };
  }
  if (kind === KIND.background) return { kind: 'background', service, time, payload: fields[4] };
  if (!s.u32.check(connection)) return undefined;
  if (kind === KIND.gone) return { kind: 'gone', service, connection, time };
  if (kind !== KIND.exec || !name.check(exec) || !s.count.check(request)) return undefined;
  const made = version === VERSIONED ? fields[8] : FIRST_VERSION;
  if (!serviceVersion.check(made)) return undefined;
  return { kind: 'exec', service, connection, exec, request, time, payload, version: made };
}
