/** Seals the packets of this node: one header that is kept, a counter, one buffer for all packets. */
import type { SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';
import { EPOCH_PACKETS_MAX, SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import type { Aead, AeadKey } from './aead.ts';
import { chooseAead } from './choose-aead.ts';
import type { EpochStore } from './epoch-store.ts';
import { COUNTER_AT, MAGIC_0, MAGIC_1, senderSecret, versionByte } from './format.ts';

export interface SealerOptions {
  readonly nodeId: number;
  readonly cipher: SealCipher;
  readonly key: GroupKey;
  readonly epochs: EpochStore;
  /** Default: EPOCH_PACKETS_MAX. */
  readonly epochPackets?: number;
  /** Its frame is the sealer's. Default: the fastest there is. */
  readonly aead?: Aead;
}

export interface Sealer {
  /**
   * The sealed datagram, valid until the next call. At most DATAGRAM_BYTES_MAX bytes must come out.
   * @throws StableStoreError when a new epoch is due and cannot be stored: the node must stop.
   */
  seal(packet: Uint8Array): Uint8Array;
  /** From now on with this key. */
  use(key: GroupKey): void;
  /** Forgets the key: nothing is sealed any more. */
  close(): void;
}

/** Takes an epoch of its own. @throws StableStoreError */
export function createSealer(options: SealerOptions): Sealer {
  const { nodeId, cipher, epochs, epochPackets = EPOCH_PACKETS_MAX } = options;
  const { aead = chooseAead(cipher).create() } = options;
  const { frame } = aead;
  let group = options.key;
  let epoch = 0n;
  let counter = 0;
  let key: AeadKey | undefined;

  function derive(): AeadKey {
    key?.close();
    const secret = senderSecret(group, cipher, nodeId, epoch);
    key = aead.key(secret);
    secret.fill(0);
    frame[3] = group.id;
    return key;
  }

  function beginEpoch(): AeadKey {
    epoch = epochs.next();
    counter = 0;
    frame.writeBigUInt64LE(epoch, 8);
    return derive();
  }

  frame.set([MAGIC_0, MAGIC_1, versionByte(cipher)]);
  frame.writeUInt32LE(nodeId, 4);
  frame.writeUInt32LE(0, COUNTER_AT + 4);
  key = beginEpoch();

  return {
    seal(packet) {
      if (counter >= epochPackets) beginEpoch();
      frame.writeUInt32LE(counter, COUNTER_AT);
      key!.seal(counter++, packet);
      return frame.subarray(0, packet.length + SEAL_OVERHEAD_BYTES);
    },
    use(next) {
      group = next;
      derive();
    },
    close: () => key!.close(),
  };
}
