/**
 * Everything of one node that has to do with keys, put together: the key file, the ring of keys and the epochs in
 * the state directory, the sealed transport, and the rotation on the group-messaging layer.
 */
import type { GroupMessaging } from '@aisexec/totem';
import type { ExecutiveConfig, SealConfig } from '../config/config.ts';
import { openEpochStore } from '../drivers/seal/epoch-store.ts';
import { createSealedTransport, type SealedTransport } from '../drivers/seal/transport.ts';
import type { UdpOptions, UdpTransport } from '../drivers/udp/udp.ts';
import { type GroupKey, KeyFileError, keyName, readKeyFile } from '../key-file.ts';
import { createKeyRing, type Keys } from './key-ring.ts';
import { createRotation, type Rotation } from './rotation.ts';

export interface Sealing {
  /** The transport for `options`, sealed. @throws StableStoreError, and what `open` throws. */
  transport(
    options: UdpOptions,
    open: (options: UdpOptions) => Promise<UdpTransport>,
  ): Promise<UdpTransport>;
  /** Takes part in rotations. Once. */
  join(messaging: GroupMessaging): Rotation;
}

/** @throws KeyFileError, StableStoreError: why this node cannot start. */
export function openSealing(
  { stateDir, node }: ExecutiveConfig,
  { keyFile, cipher }: SealConfig,
  trace: (event: string, detail: Readonly<Record<string, unknown>>) => void,
): Sealing {
  let transport: SealedTransport | undefined;
  let rotation: Rotation | undefined;
  const fromFile = readKeyFile(keyFile);
  const ring = createKeyRing({
    directory: stateDir,
    nodeId: node.id,
    fromFile,
    changed: (keys) => transport?.useKeys(keys.sending, accepted(keys)),
    storeFailed: ({ message }) => trace('key-store-failed', { message }),
  });
  trace('sealed-ring', { cipher, key: keyName(ring.sending) });
  if (fromFile.fingerprint !== ring.sending.fingerprint) {
    trace('key-file-differs', {
      key: keyName(fromFile),
      inUse: keyName(ring.sending),
      advice: "'aisctl key rotate' changes the cluster to the key of the key file",
    });
  }
  return {
    async transport(options, open) {
      const seal = {
        cipher,
        sending: ring.sending,
        accepted: accepted(ring),
        epochs: openEpochStore(stateDir, node.id),
        heardOther: (key: GroupKey) => rotation?.heardOther(key),
        heardUnknown: (id: number) => rotation?.heardUnknown(id),
        trace,
      };
      transport = await createSealedTransport(options, seal, open);
      return transport;
    },
    join(messaging) {
      rotation = createRotation({ messaging, ring, readFile: () => fileNow(keyFile), trace });
      return rotation;
    },
  };
}

function accepted({ sending, other }: Keys): readonly GroupKey[] {
  return other === undefined ? [sending] : [sending, other.key];
}

function fileNow(path: string): GroupKey | string {
  try {
    return readKeyFile(path);
  } catch (error) {
    if (error instanceof KeyFileError) return error.message;
    throw error;
  }
}
