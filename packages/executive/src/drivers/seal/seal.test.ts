import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SEAL_CIPHERS, type SealCipher } from '../../config/config.ts';
import { type GroupKey, groupKey } from '../../key-file.ts';
import { SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import { HEADER_BYTES, TAG_BYTES } from './format.ts';
import { createOpener, type Opened } from './opener.ts';
import { createSealer, type Sealer } from './sealer.ts';

const GCM: SealCipher = 'aes-256-gcm';
const key = groupKey(
  7,
  Uint8Array.from({ length: 32 }, (_, i) => i),
);
const packet = Uint8Array.from({ length: 20 }, (_, i) => 0xa0 + i);

/** Epochs that count from `first`. */
function epochs(first: bigint) {
  let epoch = first - 1n;
  return { next: () => ++epoch };
}

interface Settings {
  readonly nodeId?: number;
  readonly cipher?: SealCipher;
  readonly key?: GroupKey;
  readonly epoch?: bigint;
  readonly epochPackets?: number;
}

function sealerOf({ epoch = 0x1_0000_0002n, ...more }: Settings = {}): Sealer {
  return createSealer({ nodeId: 3, cipher: GCM, key, epochs: epochs(epoch), ...more });
}

function openerOf(cipher: SealCipher = GCM, keys: readonly GroupKey[] = [key]) {
  const opener = createOpener({ cipher, nodeIds: [2, 3] });
  opener.accept(keys);
  return opener;
}

function seal(sealer: Sealer, bytes: Uint8Array = packet): Uint8Array {
  return Uint8Array.from(sealer.seal(bytes));
}

function textOf(opened: Opened): string {
  return typeof opened === 'string' ? opened : Buffer.from(opened.packet).toString('hex');
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const plain = hex(packet);

describe('the format', () => {
  test.each([
    [
      GCM,
      'c5ea01070300000002000000010000000100000000000000c6315c9021969efa6b8de2e03952c7aa810edd903cc14444bcee46ec92e40a79e0fc3c0e',
    ],
    [
      'chacha20-poly1305',
      'c5ea11070300000002000000010000000100000000000000c62947969d2b9da1a505667c3b81517212d30e9d6908ece3e961a5960a6ed2aa7f7b8090',
    ],
  ] as const)('%s: fixed key, node, epoch and counter give fixed bytes', (cipher, expected) => {
    const sealer = sealerOf({ cipher });
    seal(sealer);
    const datagram = seal(sealer);
    expect(hex(datagram)).toBe(expected);
    expect(datagram).toHaveLength(packet.length + SEAL_OVERHEAD_BYTES);
    expect(textOf(openerOf(cipher).open(datagram, 3))).toBe(plain);
  });

  test('what is sealed is opened, whatever its length, and nothing of it shows', () => {
    for (const cipher of SEAL_CIPHERS) {
      const sealer = sealerOf({ cipher });
      const opener = openerOf(cipher);
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 0, maxLength: 3000 }), (bytes) => {
          const datagram = seal(sealer, bytes);
          expect(textOf(opener.open(datagram, 3))).toBe(hex(bytes));
          if (bytes.length >= 8) expect(hex(datagram)).not.toContain(hex(bytes));
        }),
      );
    }
  });

  test('one packet never looks the same twice', () => {
    const sealer = sealerOf();
    const bodies = Array.from({ length: 100 }, () => hex(seal(sealer).subarray(HEADER_BYTES)));
    expect(new Set(bodies).size).toBe(100);
  });

  test('two nodes, two epochs and two ciphers use different keys under one secret', () => {
    const body = (settings: Settings) => hex(seal(sealerOf(settings)).subarray(HEADER_BYTES));
    const bodies = [{}, { nodeId: 2 }, { epoch: 9n }, { cipher: SEAL_CIPHERS[1] }].map(body);
    expect(new Set(bodies).size).toBe(4);
  });
});

describe('tampering', () => {
  const fields: readonly (readonly [name: string, at: number, refusal: string])[] = [
    ['magic', 0, 'unsealed'],
    ['magic', 1, 'unsealed'],
    ['version', 2, 'version'],
    ['key id', 3, 'unknown-key'],
    ['node', 4, 'sender'],
    ['epoch', 8, 'wrong-key'],
    ['epoch', 15, 'wrong-key'],
    ['counter', 16, 'wrong-key'],
    ['counter', 19, 'wrong-key'],
    ['counter', 23, 'malformed'],
    ['ciphertext', HEADER_BYTES, 'wrong-key'],
    ['tag', HEADER_BYTES + packet.length, 'wrong-key'],
    ['tag', HEADER_BYTES + packet.length + TAG_BYTES - 1, 'wrong-key'],
  ];
  test.each(fields)('with the %s (byte %i) is noticed', (_, at, refusal) => {
    const datagram = seal(sealerOf());
    const altered = Uint8Array.from(datagram);
    altered[at]! ^= 1;
    const opener = openerOf();
    expect(opener.open(altered, 3)).toBe(refusal);
    expect(textOf(opener.open(datagram, 3))).toBe(plain);
  });

  test('with the cipher is noticed, and a cipher of its own is a reason of its own', () => {
    const datagram = seal(sealerOf({ cipher: 'chacha20-poly1305' }));
    expect(openerOf(GCM).open(datagram, 3)).toBe('cipher');
    datagram[2] = 0x01;
    expect(openerOf(GCM).open(datagram, 3)).toBe('wrong-key');
  });

  test('with any bit, any cut and any addition is noticed', () => {
    const datagram = seal(sealerOf());
    const opener = openerOf();
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const altered = Uint8Array.from(datagram);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(typeof opener.open(altered, 3)).toBe('string');
    }
    for (let length = 0; length < datagram.length; length++) {
      expect(typeof opener.open(datagram.subarray(0, length), 3)).toBe('string');
    }
    expect(typeof opener.open(Uint8Array.from([...datagram, 0]), 3)).toBe('string');
    expect(textOf(opener.open(datagram, 3))).toBe(plain);
  });

  test('no noise opens, and none makes the opener throw', () => {
    const opener = openerOf();
    const head = fc.constantFrom([], [0xc5, 0xea], [0xc5, 0xea, 1, 7, 3, 0, 0, 0]);
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        expect(typeof opener.open(Uint8Array.from([...start, ...rest]), 3)).toBe('string');
      }),
      { numRuns: 2_000 },
    );
  });

  test('another node cannot speak in the name of one, nor one that is not configured', () => {
    const opener = openerOf();
    expect(opener.open(seal(sealerOf({ nodeId: 2 })), 3)).toBe('sender');
    expect(opener.open(seal(sealerOf({ nodeId: 3 })), 2)).toBe('sender');
    expect(opener.open(seal(sealerOf({ nodeId: 9 })), 9)).toBe('sender');
  });

  test('another secret under the same id is a wrong key, under another id an unknown one', () => {
    const other = new Uint8Array(32).fill(1);
    expect(openerOf().open(seal(sealerOf({ key: groupKey(7, other) })), 3)).toBe('wrong-key');
    expect(openerOf().open(seal(sealerOf({ key: groupKey(8, other) })), 3)).toBe('unknown-key');
  });
});

describe('replay', () => {
  test('a packet is taken once', () => {
    const datagram = seal(sealerOf());
    const opener = openerOf();
    expect(typeof opener.open(datagram, 3)).toBe('object');
    expect(opener.open(datagram, 3)).toBe('replay');
  });

  test('a forged counter or epoch far ahead moves nothing', () => {
    const sealer = sealerOf();
    const [first, second] = [seal(sealer), seal(sealer)];
    const opener = openerOf();
    for (const at of [12, 18]) {
      const forged = Uint8Array.from(second);
      forged[at]! += 1;
      expect(opener.open(forged, 3)).toBe('wrong-key');
    }
    expect(typeof opener.open(first, 3)).toBe('object');
    expect(typeof opener.open(second, 3)).toBe('object');
  });

  test('a reborn sender is taken up with its first packet, and its former life is over', () => {
    const before = sealerOf({ epoch: 5n << 32n });
    const after = sealerOf({ epoch: (6n << 32n) | 1n });
    const opener = openerOf();
    const old = [seal(before), seal(before)];
    expect(typeof opener.open(old[0]!, 3)).toBe('object');
    expect(typeof opener.open(seal(after), 3)).toBe('object');
    expect(opener.open(old[1]!, 3)).toBe('old-epoch');
    expect(opener.open(old[0]!, 3)).toBe('old-epoch');
    expect(typeof opener.open(seal(after), 3)).toBe('object');
  });

  test('the lower half of the epoch counts, too', () => {
    const opener = openerOf();
    expect(typeof opener.open(seal(sealerOf({ epoch: 0x1_ffff_ffffn })), 3)).toBe('object');
    expect(opener.open(seal(sealerOf({ epoch: 0x1_ffff_fffen })), 3)).toBe('old-epoch');
    expect(typeof opener.open(seal(sealerOf({ epoch: 0x2_0000_0000n })), 3)).toBe('object');
  });

  test('a new key begins with a clean window, an accepted one keeps its own', () => {
    const next = groupKey(8, new Uint8Array(32).fill(8));
    const sealer = sealerOf();
    const opener = openerOf();
    const first = seal(sealer);
    opener.open(first, 3);
    opener.accept([next, key]);
    expect(opener.open(first, 3)).toBe('replay');
    sealer.use(next);
    const second = seal(sealer);
    expect(opener.open(second, 3)).toMatchObject({ key: next });
    opener.accept([next]);
    expect(opener.open(first, 3)).toBe('unknown-key');
    expect(opener.open(second, 3)).toBe('replay');
  });
});

describe('the counter', () => {
  test('goes on under another key, and a new epoch begins long before it could run out', () => {
    const taken: bigint[] = [];
    let epoch = 1n << 32n;
    const store = { next: () => taken[taken.push(epoch++) - 1]! };
    const sealer = createSealer({ nodeId: 3, cipher: GCM, key, epochs: store, epochPackets: 3 });
    const opener = openerOf();
    const nonces = new Set<string>();
    for (let i = 0; i < 10; i++) {
      const datagram = seal(sealer);
      nonces.add(hex(datagram.subarray(8, HEADER_BYTES)));
      expect(textOf(opener.open(datagram, 3))).toBe(plain);
    }
    expect(taken).toHaveLength(4);
    expect(nonces.size).toBe(10);
  });
});
