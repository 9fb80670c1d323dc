/**
 * The newest epoch heard of every other node, kept over restarts: what was recorded before its sender's last start
 * is refused by a node that has just started, too (ADR 0218). A start or two of the others cost one write, a
 * moment later; who ends within that moment has the memory of the time before, which refuses less and never more.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { HEARD_STORE_MS } from '../../limits.ts';
import { ensureDirectory, readIfThere, replaceDurably } from '../durable-file.ts';

/** By the fingerprint of the key, by node. */
type Heard = Readonly<Record<string, Readonly<Record<string, bigint>>>>;

export interface HeardStore {
  /** 0n when nothing was heard of that node under that key. */
  epochOf(fingerprint: string, nodeId: number): bigint;
  /** A packet of this epoch has authenticated. Stored a moment later. */
  heard(fingerprint: string, nodeId: number, epoch: bigint): void;
  /** Keys that count from now on; the others are forgotten with the next write. */
  retain(fingerprints: readonly string[]): void;
  /** Stores at once what is not stored yet. */
  close(): void;
}

export interface HeardStoreOptions {
  readonly directory: string;
  readonly nodeId: number;
  /** It could not be read or written: the node goes on with what it knows in memory. */
  readonly failed: (message: string) => void;
  /** Calls once, some time later. Default: a timer of {@link HEARD_STORE_MS}. @returns takes it back */
  readonly later?: (store: () => void) => () => void;
}

const storedHeard = z.strictObject({
  version: z.literal(1),
  node: z.int(),
  heard: z.record(
    z.string().regex(/^[0-9a-f]{16}$/),
    z.record(z.string().regex(/^\d{1,10}$/), z.string().regex(/^[0-9a-f]{16}$/)),
  ),
});

/** What cannot be read counts as nothing heard: these are memories, without which a node is as one that is new. */
export function openHeardStore({
  directory,
  nodeId,
  failed,
  later = afterAWhile,
}: HeardStoreOptions): HeardStore {
  const path = join(directory, `heard_${nodeId}`);
  const known = new Map<string, Map<string, bigint>>();
  let takeBack: (() => void) | undefined;
  try {
    ensureDirectory(directory);
    for (const [fingerprint, epochs] of Object.entries(load(path, nodeId))) {
      known.set(fingerprint, new Map(Object.entries(epochs)));
    }
  } catch (error) {
    failed((error as Error).message);
  }

  function store(): void {
    takeBack = undefined;
    try {
      replaceDurably(path, encode(nodeId, known), 'the epochs of the others');
    } catch (error) {
      failed((error as Error).message);
    }
  }

  return {
    epochOf: (fingerprint, from) => known.get(fingerprint)?.get(String(from)) ?? 0n,
    heard(fingerprint, from, epoch) {
      const epochs = known.get(fingerprint) ?? new Map<string, bigint>();
      known.set(fingerprint, epochs.set(String(from), epoch));
      takeBack ??= later(store);
    },
    retain(fingerprints) {
      for (const fingerprint of known.keys()) {
        if (!fingerprints.includes(fingerprint)) known.delete(fingerprint);
      }
    },
    close() {
      if (takeBack === undefined) return;
      takeBack();
      store();
    },
  };
}

function afterAWhile(store: () => void): () => void {
  const timer = setTimeout(store, HEARD_STORE_MS).unref();
  return () => clearTimeout(timer);
}

function encode(nodeId: number, known: ReadonlyMap<string, ReadonlyMap<string, bigint>>): Buffer {
  const hex = (epoch: bigint) => epoch.toString(16).padStart(16, '0');
  const heard = Object.fromEntries(
    [...known].map(([fingerprint, epochs]) => [
      fingerprint,
      Object.fromEntries([...epochs].map(([from, epoch]) => [from, hex(epoch)])),
    ]),
  );
  return Buffer.from(JSON.stringify({ version: 1, node: nodeId, heard }));
}

/** @throws Error, when it is damaged or another node's. */
function load(path: string, nodeId: number): Heard {
  const bytes = readIfThere(path);
  if (bytes === undefined) return {};
  const parsed = parse(bytes);
  if (parsed?.node !== nodeId) {
    throw new Error(
      `${path} is damaged or another node's: what is recorded of the others' former starts is not refused ` +
        'until they are heard. It is written anew',
    );
  }
  return Object.fromEntries(
    Object.entries(parsed.heard).map(([fingerprint, epochs]) => [
      fingerprint,
      Object.fromEntries(
        Object.entries(epochs).map(([from, epoch]) => [from, BigInt(`0x${epoch}`)]),
      ),
    ]),
  );
}

function parse(bytes: Uint8Array): z.infer<typeof storedHeard> | undefined {
  try {
    return storedHeard.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
}
