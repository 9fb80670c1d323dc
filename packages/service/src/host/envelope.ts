/**
 * What travels in group `ais`: one msgpack array per ordered event. The sender's nodeid is the ring's word
 * (`GroupMessage.source`), not the message's.
 */
import { decode, encode } from '../codec.ts';
import { SERVICE_NAME_BYTES_MAX } from '../limits.ts';
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
  | {
      readonly kind: 'background';
      readonly service: number;
      readonly time: bigint;
      readonly payload: unknown;
    }
  | { readonly kind: 'check'; readonly time: bigint; readonly payload: unknown }
  | { readonly kind: 'expire'; readonly time: bigint };

const KIND = { exec: 1, gone: 2, expire: 3, background: 4, check: 5 } as const;
const name = s.text(SERVICE_NAME_BYTES_MAX);

export function encodeEnvelope(event: Envelope): Uint8Array {
  const head = [PROTOCOL_VERSION, KIND[event.kind], event.time];
  switch (event.kind) {
    case 'expire':
      return encode(head);
    case 'gone':
      return encode([...head, event.service, event.connection]);
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
  if (kind === KIND.background) return { kind: 'background', service, time, payload: fields[4] };
  if (!s.u32.check(connection)) return undefined;
  if (kind === KIND.gone) return { kind: 'gone', service, connection, time };
  if (kind !== KIND.exec || !name.check(exec) || !s.count.check(request)) return undefined;
  return { kind: 'exec', service, connection, exec, request, time, payload };
}
