/**
 * What travels in group `ais`: one msgpack array per ordered event. The sender's nodeid is the ring's word
 * (`GroupMessage.source`), not the message's.
 */
import { MESSAGE_BYTES_MAX } from '@aisexec/totem';
import { decode, encode } from '../codec.ts';
import { SERVICE_NAME_BYTES_MAX, STATE_BATCH_BYTES } from '../limits.ts';
import { s } from '../schema.ts';
import { PROTOCOL_VERSION } from '../sync/messages.ts';

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
      readonly payload: unknown;
    }
  | {
      readonly kind: 'gone';
      readonly service: number;
      readonly connection: number;
      readonly time: bigint;
    }
  | { readonly kind: 'expire'; readonly time: bigint }
  /** The sender has loaded a service and wants its state (ADR 0154). */
  | {
      readonly kind: 'join';
      readonly service: number;
      readonly time: bigint;
      readonly name: string;
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

const KIND = {
  exec: 1,
  gone: 2,
  expire: 3,
  join: 4,
  leave: 5,
  state: 6,
  background: 7,
  check: 8,
} as const;
const name = s.text(SERVICE_NAME_BYTES_MAX);
const packed = s.list(s.bytes(MESSAGE_BYTES_MAX), STATE_BATCH_BYTES);

export function encodeEnvelope(event: Envelope): Uint8Array {
  const head = [PROTOCOL_VERSION, KIND[event.kind], event.time];
  switch (event.kind) {
    case 'expire':
      return encode(head);
    case 'gone':
      return encode([...head, event.service, event.connection]);
    case 'join':
      return encode([...head, event.service, event.name]);
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
      return encode([...head, service, connection, exec, request, payload]);
    }
  }
}

/** @returns undefined for rubbish or another version. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  const decoded = decode(bytes);
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined;
  const fields: readonly unknown[] = decoded.value;
  const [version, kind, time, service, connection, exec, request, payload] = fields;
  if (version !== PROTOCOL_VERSION || !s.i64.check(time)) return undefined;
  if (kind === KIND.expire) return { kind: 'expire', time };
  if (kind === KIND.check) return { kind: 'check', time, payload: fields[3] };
  if (!s.u8.check(service)) return undefined;
  const fourth = fields[4];
  if (kind === KIND.leave) return { kind: 'leave', service, time };
  if (kind === KIND.join) {
    return name.check(fourth) ? { kind: 'join', service, time, name: fourth } : undefined;
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
  return { kind: 'exec', service, connection, exec, request, time, payload };
}
