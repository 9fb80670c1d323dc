/**
 * Everything of one node that has to do with keys, put together: the key file, the ring of keys and the epochs in
 * the state directory, the seal around the transport of every link, and the rotation on the group-messaging layer.
 */
import type { GroupMessaging } from '@aisexec/totem';
import type { ExecutiveConfig, SealConfig } from '../config/config.ts';
import { openEpochStore } from '../drivers/seal/epoch-store.ts';
import { openHeardStore } from '../drivers/seal/heard-store.ts';
import { createSeal, type Seal } from '../drivers/seal/transport.ts';
import { type GroupKey, KeyFileError, keyName, readKeyFile } from '../key-file.ts';
import { createKeyRing, type Keys } from './key-ring.ts';
import { createRotation, type Rotation } from './rotation.ts';

export interface Sealing {
  /** The transport of one link, sealed; see {@link Seal}. */
  readonly around: Seal['around'];
  /** Takes part in rotations. Once. */
  join(messaging: GroupMessaging): Rotation;
  stats(): Readonly<Record<string, number>>;
}

/** @throws KeyFileError, StableStoreError: why this node cannot start. */
export function openSealing(
  { stateDir, node, nodes, totem }: ExecutiveConfig,
  { keyFile, cipher }: SealConfig,
  trace: (event: string, detail: Readonly<Record<string, unknown>>) => void,
): Sealing {
  let rotation: Rotation | undefined;
  const fromFile = readKeyFile(keyFile);
  const ring = createKeyRing({
    directory: stateDir,
    nodeId: node.id,
    fromFile,
    changed: (keys) => seal.useKeys(keys.sending, accepted(keys)),
    storeFailed: ({ message }) => trace('key-store-failed', { message }),
  });
  const seal = createSeal({
    nodeId: node.id,
    peers: nodes.filter(({ id }) => id !== node.id).map(({ id }) => id),
    cipher,
    sending: ring.sending,
    accepted: accepted(ring),
    epochs: openEpochStore(stateDir, node.id),
    heard: openHeardStore({
      directory: stateDir,
      nodeId: node.id,
      failed: (message) => trace('heard-store-failed', { message }),
    }),
    heardOther: (key) => rotation?.heardOther(key),
    heardUnknown: (id) => rotation?.heardUnknown(id),
    trace,
    io: totem.io,
  });
  trace('sealed-ring', { cipher, key: keyName(ring.sending), plain: seal.plain });
  if (fromFile.fingerprint !== ring.sending.fingerprint) {
    trace('key-file-differs', {
      key: keyName(fromFile),
      inUse: keyName(ring.sending),
      advice: "'aisctl key rotate' changes the cluster to the key of the key file",
    });
  }
  return {
    around: seal.around,
    join(messaging) {
      rotation = createRotation({ messaging, ring, readFile: () => fileNow(keyFile), trace });
      return rotation;
    },
    stats: seal.stats,
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
