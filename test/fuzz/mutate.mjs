// Inputs for decoders, from a seed: samples with a few structure-aware changes, two samples spliced, and noise.
// The same seed and corpus give the same inputs on every machine.

const BYTES_MAX = 4_096;
const INTERESTING = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
  0xffffffff,
];
const CHARACTERS = [
  '\0',
  '\n',
  '\t',
  ' ',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '#',
  '"',
  "'",
  '&',
  '*',
  '!',
  '-',
  '%',
  '\\',
  'é',
  '😀',
  '__proto__',
  '1e999',
  '-1',
  '0x',
  'null',
  '~',
];

/** sfc32, as in the simulator; its own copy because nothing of a package may depend on a test. */
export function createRandom(seed) {
  let [a, b, c, counter] = [seed >>> 0, (seed / 0x1_0000_0000) | 0, 0x6675_7a7a, 1];
  const u32 = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) u32();
  const below = (bound) => Math.floor((u32() / 0x1_0000_0000) * bound);
  return { u32, below, pick: (list) => list[below(list.length)] };
}

/** One input made from the samples; `text` decoders get printable surprises instead of integers. */
export function mutate(random, samples, text) {
  const die = random.below(10);
  if (samples.length === 0 || die === 0) return noise(random);
  let bytes = Uint8Array.from(random.pick(samples));
  if (die === 1) return splice(random, bytes, random.pick(samples));
  const changes = 1 + random.below(die === 2 ? 16 : 4);
  for (let i = 0; i < changes; i++)
    bytes = text ? changeText(random, bytes) : changeBytes(random, bytes);
  return bytes.length > BYTES_MAX ? bytes.slice(0, BYTES_MAX) : bytes;
}

function noise(random) {
  const bytes = new Uint8Array(random.below(random.below(4) === 0 ? BYTES_MAX : 96));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.u32();
  return bytes;
}

function splice(random, left, right) {
  return join(
    left.subarray(0, random.below(left.length + 1)),
    right.subarray(random.below(right.length + 1)),
  ).slice(0, BYTES_MAX);
}

/** Fields of the formats are 1, 2, 4 or 8 bytes wide, little-endian in packets, big-endian in msgpack. */
function changeBytes(random, bytes) {
  const { length } = bytes;
  const at = random.below(Math.max(1, length));
  switch (random.below(8)) {
    case 0:
      if (length > 0) bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
      if (length > 0) bytes[at] = random.u32();
      return bytes;
    case 2:
      return bytes.slice(0, random.below(length + 1));
    case 3: {
      const from = random.below(length + 1);
      return join(
        bytes.subarray(0, at),
        bytes.subarray(from, from + random.below(64)),
        bytes.subarray(at),
      );
    }
    case 4:
      return join(
        bytes.subarray(0, at),
        bytes.subarray(Math.min(length, at + 1 + random.below(16))),
      );
    case 5:
      return join(bytes, noise(random).subarray(0, 32));
    case 6: {
      // A count or length that is nearly right.
      if (length > 0) bytes[at] += random.pick([1, 2, -1, -2]);
      return bytes;
    }
    default: {
      const width = random.pick([1, 2, 4, 4, 8]);
      if (at + width > length) return bytes;
      const value = random.pick(INTERESTING);
      const little = random.below(2) === 0;
      for (let i = 0; i < width; i++) {
        const place = little ? i : width - 1 - i;
        bytes[at + i] = place < 4 ? value >>> (8 * place) : value === 0xffffffff ? 0xff : 0;
      }
      return bytes;
    }
  }
}

function changeText(random, bytes) {
  const at = random.below(bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (random.below(6)) {
    case 0:
      return join(head, Buffer.from(random.pick(CHARACTERS)), bytes.subarray(at));
    case 1:
      return join(head, bytes.subarray(Math.min(bytes.length, at + 1 + random.below(12))));
    case 2: {
      const lines = lineStarts(bytes);
      const from = random.pick(lines);
      const end = lines.find((start) => start > from) ?? bytes.length;
      const to = random.pick(lines);
      return join(bytes.subarray(0, to), bytes.subarray(from, end), bytes.subarray(to));
    }
    case 3:
      return join(
        head,
        Buffer.from(String(random.pick(INTERESTING))),
        bytes.subarray(Math.min(bytes.length, at + 2)),
      );
    case 4: {
      const times = 1 << random.below(8);
      return join(head, Buffer.from(random.pick(CHARACTERS).repeat(times)), bytes.subarray(at));
    }
    default:
      return changeBytes(random, Uint8Array.from(bytes));
  }
}

function lineStarts(bytes) {
  const starts = [0];
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) starts.push(i + 1);
  return starts;
}

function join(...parts) {
  return Uint8Array.from(Buffer.concat(parts));
}
