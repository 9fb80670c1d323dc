/** Values as the bytes of a section. */
import { packMsgpack, unpackMsgpack } from '@aisexec/ipc';

/** How values of one type become bytes; `decode` throws at what it does not understand. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** JSON in UTF-8. The type is a promise of the caller: nothing checks it. */
export function json<T>(): Codec<T> {
  return {
    encode(value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`JSON cannot say ${typeof value}`);
      return Buffer.from(text, 'utf8');
    },
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as T,
  };
}

/** Plain MessagePack: binary data and 64-bit integers (bigint) as well. Nothing checks the type. */
export function msgpack<T>(): Codec<T> {
  return {
    encode(value) {
      const bytes = packMsgpack(value);
      if (bytes === undefined) throw new TypeError('msgpack cannot say this value');
      return bytes;
    },
    decode(bytes) {
      const decoded = unpackMsgpack(bytes);
      if (decoded === undefined) throw new TypeError('these bytes are no msgpack');
      return decoded.value as T;
    },
  };
}
