/**
 * The keys of one node in their two slots: the one to send with, and another that is accepted besides while
 * a rotation goes on. Kept in the state directory, because the key file already holds the next key
 * before the cluster has changed to it (ADR 0136); written before it counts, so that a crash at any point leaves
 * a node that can come back.
 */
import { join } from 'node:path';
import { z } from 'zod';
import {
  ensureDirectory,
  readIfThere,
  replaceDurably,
  StableStoreError,
} from '../drivers/durable-file.ts';
import { type GroupKey, groupKey, KeyFileError, keyName } from '../key-file.ts';
import { RETIRED_KEYS_MAX } from '../limits.ts';

/**
 * `next`: accepted, to be sent with once all members accept it; `previous`: sent with until now, accepted
 * until all members send with the new one.
 */
export interface OtherKey {
  readonly key: GroupKey;
  readonly role: 'next' | 'previous';
  /** The rotation it belongs to; 0: only found in the key file at the start. */
  readonly rotation: number;
}

export interface Keys {
  readonly sending: GroupKey;
  readonly other: OtherKey | undefined;
  /** Fingerprints of keys that were dropped: never to be taken again. Oldest first. */
  readonly retired: readonly string[];
}

export interface KeyRing extends Keys {
  /** Accepts `key` besides, in the place of another next one. @returns why not, if not. */
  stage(key: GroupKey, rotation: number): string | undefined;
  /** Forgets the next key. */
  unstage(): void;
  /** Sends with the next key; the one until now is still accepted. */
  advance(): void;
  /** Drops the previous key for good. */
  retire(): void;
}

export interface KeyRingOptions {
  readonly directory: string;
  readonly nodeId: number;
  /** What the key file holds now. */
  readonly fromFile: GroupKey;
  /** After every change. */
  readonly changed: (keys: Keys) => void;
  /** A change that could not be stored counts all the same: a restart finds its way back by what it hears. */
  readonly storeFailed: (error: Error) => void;
}

const storedKey = z.strictObject({ id: z.int().min(1).max(255), secret: z.base64() });
const storedKeys = z.strictObject({
  version: z.literal(1),
  node: z.int(),
  sending: storedKey,
  other: z
    .strictObject({
      key: storedKey,
      role: z.enum(['next', 'previous']),
      rotation: z.int().min(0).max(0xffff_ffff),
    })
    .nullable(),
  retired: z.array(z.string().regex(/^[0-9a-f]{16}$/)).max(RETIRED_KEYS_MAX),
});

/** @throws StableStoreError when the stored ring cannot be used, KeyFileError when the file does not go with it. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { directory, nodeId, fromFile, changed, storeFailed } = options;
  const path = join(directory, `keys_${nodeId}`);
  ensureDirectory(directory);
  const stored = load(path, nodeId);
  let keys: Keys = stored ?? { sending: fromFile, other: undefined, retired: [] };
  if (stored === undefined) store(keys);
  else keys = withFile(stored, fromFile, path);

  function store(next: Keys): void {
    replaceDurably(path, Buffer.from(JSON.stringify(encode(nodeId, next))), 'the keys');
  }

  function change(next: Keys): void {
    try {
      store(next);
    } catch (error) {
      storeFailed(error as Error);
    }
    keys = next;
    changed(keys);
  }

  return {
    get sending() {
      return keys.sending;
    },
    get other() {
      return keys.other;
    },
    get retired() {
      return keys.retired;
    },
    stage(key, rotation) {
      const why = unfit(keys, key);
      if (why !== undefined) return why;
      const next: Keys = { ...keys, other: { key, role: 'next', rotation } };
      try {
        store(next);
      } catch (error) {
        return (error as Error).message;
      }
      keys = next;
      changed(keys);
      return undefined;
    },
    unstage() {
      if (keys.other?.role === 'next') change({ ...keys, other: undefined });
    },
    advance() {
      const { sending, other, retired } = keys;
      if (other?.role !== 'next') return;
      change({ sending: other.key, other: { ...other, key: sending, role: 'previous' }, retired });
    },
    retire() {
      const { sending, other, retired } = keys;
      if (other?.role !== 'previous') return;
      const all = [...retired, other.key.fingerprint].slice(-RETIRED_KEYS_MAX);
      change({ sending, other: undefined, retired: all });
    },
  };
}

/** Why a key cannot be the next one. */
function unfit({ sending, other, retired }: Keys, key: GroupKey): string | undefined {
  if (other?.role === 'previous') return `the change to key ${keyName(sending)} is not over yet`;
  if (key.fingerprint === sending.fingerprint) return `key ${keyName(key)} is in use already`;
  if (key.id === sending.id) {
    return `the new key has the id ${key.id} of the one in use; make one with another: aisctl keygen --id N FILE`;
  }
  if (retired.includes(key.fingerprint)) {
    return `key ${keyName(key)} was in use before; make a fresh one: aisctl keygen FILE`;
  }
  return undefined;
}

/** At a start: a key of the file that is not known yet is accepted, and followed when the others use it. */
function withFile(keys: Keys, fromFile: GroupKey, path: string): Keys {
  const { sending, other, retired } = keys;
  const known = [sending, ...(other === undefined ? [] : [other.key])];
  if (known.some(({ fingerprint }) => fingerprint === fromFile.fingerprint)) return keys;
  if (fromFile.id === sending.id) {
    throw new KeyFileError(
      `the key file has key ${keyName(fromFile)}, this node uses ${keyName(sending)}: two keys of one id cannot be told ` +
        'apart. Put back the file of the key in use and rotate to a key with another id; or, when this node is to ' +
        `start with the file's key at once, remove ${path}`,
    );
  }
  if (other?.role === 'previous' || retired.includes(fromFile.fingerprint)) return keys;
  return { sending, other: { key: fromFile, role: 'next', rotation: 0 }, retired };
}

function encode(nodeId: number, { sending, other, retired }: Keys): z.infer<typeof storedKeys> {
  const plain = ({ id, secret }: GroupKey) => ({
    id,
    secret: Buffer.from(secret).toString('base64'),
  });
  return {
    version: 1,
    node: nodeId,
    sending: plain(sending),
    other: other === undefined ? null : { ...other, key: plain(other.key) },
    retired: [...retired],
  };
}

function load(path: string, nodeId: number): Keys | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const refuse = (why: string): never => {
    throw new StableStoreError(
      `${path}: ${why}. Remove it and this node starts with the key of its key file (totem.key_file), which must then ` +
        'be the key that the others use',
    );
  };
  const keyOf = ({ id, secret }: z.infer<typeof storedKey>) =>
    groupKey(id, Buffer.from(secret, 'base64'));
  try {
    const parsed = storedKeys.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (parsed.node !== nodeId) return refuse(`belongs to node ${parsed.node}, not ${nodeId}`);
    const { sending, other, retired } = parsed;
    return {
      sending: keyOf(sending),
      other: other === null ? undefined : { ...other, key: keyOf(other.key) },
      retired,
    };
  } catch (error) {
    if (error instanceof StableStoreError) throw error;
    return refuse('is damaged');
  }
}
