/** The incremental trace hash: two murmur3-like lanes over 32-bit words; no strings, no bigints. */
export interface RunningHash {
  /** A 32-bit word. */
  word(value: number): void;
  /** Any number, by its IEEE 754 bits. */
  float(value: number): void;
  /** 16 hex digits of everything so far. */
  digest(): string;
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

export function createHash(): RunningHash {
  let a = 0x9747b28c | 0;
  let b = 0x3c6ef372 | 0;
  let length = 0;
  const floats = new Float64Array(1);
  const words = new Uint32Array(floats.buffer);
  const word = (value: number): void => {
    let k = Math.imul(value, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    a ^= Math.imul(k, 0x1b873593);
    a = (a << 13) | (a >>> 19);
    a = (Math.imul(a, 5) + 0xe6546b64) | 0;
    b = Math.imul(b ^ value, 0x85ebca6b);
    b ^= b >>> 15;
    b = (b + a) | 0;
    length += 1;
  };
  return {
    word,
    float: (value) => {
      floats[0] = value;
      word(words[0]!);
      word(words[1]!);
    },
    digest: () => {
      let finish = Math.imul(a ^ length, 0x85ebca6b);
      finish ^= finish >>> 13;
      let other = Math.imul(b ^ finish, 0xc2b2ae35);
      other ^= other >>> 16;
      return hex(finish) + hex(other);
    },
  };
}

/** FNV-1a over bytes: the content hash of a message. */
export function bytesHash(bytes: Uint8Array, from = 0): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < bytes.length; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}
