/** Seals the packets of this node: one header that is kept, a counter, one buffer for all packets. */
import { type CipherGCM, createCipheriv, type KeyObject } from 'node:crypto';
import type { SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';
import { DATAGRAM_BYTES_MAX, EPOCH_PACKETS_MAX } from '../../limits.ts';
import type { EpochStore } from './epoch-store.ts';
import {
  COUNTER_AT,
  HEADER_BYTES,
  MAGIC_0,
  MAGIC_1,
  NONCE_BYTES,
  NONCE_COUNTER_AT,
  senderKey,
  TAG_BYTES,
  versionByte,
} from './format.ts';

export interface SealerOptions {
  readonly nodeId: number;
  readonly cipher: SealCipher;
  readonly key: GroupKey;
  readonly epochs: EpochStore;
  /** Default: EPOCH_PACKETS_MAX. */
  readonly epochPackets?: number;
}

export interface Sealer {
  /**
   * The sealed datagram, valid until the next call. At most DATAGRAM_BYTES_MAX bytes must come out.
   * @throws StableStoreError when a new epoch is due and cannot be stored: the node must stop.
   */
  seal(packet: Uint8Array): Uint8Array;
  /** From now on with this key. */
  use(key: GroupKey): void;
}

/** Takes an epoch of its own. @throws StableStoreError */
export function createSealer(options: SealerOptions): Sealer {
  const { nodeId, cipher, epochs, epochPackets = EPOCH_PACKETS_MAX } = options;
  const out = Buffer.allocUnsafeSlow(DATAGRAM_BYTES_MAX);
  const header = out.subarray(0, HEADER_BYTES);
  const nonce = Buffer.alloc(NONCE_BYTES);
  const cipherOptions = { authTagLength: TAG_BYTES };
  let group = options.key;
  let epoch = 0n;
  let counter = 0;
  let key: KeyObject;

  function derive(): void {
    key = senderKey(group, cipher, nodeId, epoch);
    header[3] = group.id;
  }

  function beginEpoch(): void {
    epoch = epochs.next();
    counter = 0;
    header.writeBigUInt64LE(epoch, 8);
    derive();
  }

  header.set([MAGIC_0, MAGIC_1, versionByte(cipher)]);
  header.writeUInt32LE(nodeId, 4);
  header.writeUInt32LE(0, COUNTER_AT + 4);
  beginEpoch();

  return {
    seal(packet) {
      if (counter >= epochPackets) beginEpoch();
      header.writeUInt32LE(counter, COUNTER_AT);
      nonce.writeUInt32LE(counter, NONCE_COUNTER_AT);
      counter++;
      // Both ciphers have the interface of GCM.
      const box = createCipheriv(cipher as 'aes-256-gcm', key, nonce, cipherOptions) as CipherGCM;
      box.setAAD(header);
      out.set(box.update(packet), HEADER_BYTES);
      box.final();
      const end = HEADER_BYTES + packet.length;
      out.set(box.getAuthTag(), end);
      return out.subarray(0, end + TAG_BYTES);
    },
    use(next) {
      group = next;
      derive();
    },
  };
}
