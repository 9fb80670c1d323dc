/**
 * A map that every node has a copy of: a checkpoint whose sections are the entries. What a Node.js program
 * would ask a Redis for, from the cluster itself.
 */
import type { CallOptions } from '@aisexec/ipc';
import { WATCH_DATA_BYTES_MAX } from '../limits.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Codec, json } from './codec.ts';
import { idOf } from './requests.ts';
import {
  type SetOptions,
  type TypedSection,
  type ValueChange,
  valueChange,
} from './typed-section.ts';
import type { Watch } from './watch.ts';
import type { WatchOptions } from './watching.ts';

export interface MapOptions<T> extends CallOptions {
  /** JSON by default. */
  readonly codec?: Codec<T>;
  /** 10 000 by default; all who open the map must say the same, as with the next two. */
  readonly maxEntries?: number;
  /** Bytes of one encoded value, 4 096 by default, at most 65 536. */
  readonly maxValueBytes?: number;
  /** Bytes of one key in UTF-8; 256 by default. */
  readonly maxKeyBytes?: number;
  /** How long the map outlives its last close; Infinity, the default: until it is unlinked. */
  readonly retentionMs?: number;
}

/** A change of one entry. */
export type MapChange<T> = ValueChange<T> & { readonly key: string };

/** The attributes of the checkpoint behind a map. @internal */
export function mapAttributes<T>(options: MapOptions<T>) {
  const { maxEntries = 10_000, maxValueBytes = 4_096, maxKeyBytes = 256 } = options;
  const { retentionMs = Number.POSITIVE_INFINITY } = options;
  if (!Number.isInteger(maxEntries) || maxEntries < 2) {
    throw new TypeError('maxEntries must be a whole number of at least 2');
  }
  if (!Number.isInteger(maxValueBytes) || !(maxValueBytes <= WATCH_DATA_BYTES_MAX)) {
    throw new TypeError(`maxValueBytes must be a whole number up to ${WATCH_DATA_BYTES_MAX}`);
  }
  return {
    maxSections: maxEntries,
    maxSectionBytes: maxValueBytes,
    maxSectionIdBytes: maxKeyBytes,
    retentionMs,
  };
}

/** Made by `CheckpointService.map`. Disposing of it closes it; the entries stay. */
export class ReplicatedMap<T> implements AsyncDisposable {
  readonly #checkpoint: Checkpoint;
  readonly #codec: Codec<T>;

  /** @internal */
  constructor(checkpoint: Checkpoint, codec: Codec<T> = json<T>()) {
    this.#checkpoint = checkpoint;
    this.#codec = codec;
  }

  get name(): string {
    return this.#checkpoint.name;
  }

  /** The value of this node's copy, which has all that this client has written. */
  get(key: string, options: CallOptions = {}): Promise<T | undefined> {
    return this.#entry(key).get(options);
  }

  /** Resolves with the sequence number of the change when every node has it. */
  set(key: string, value: T, options: SetOptions = {}): Promise<bigint> {
    return this.#entry(key).set(value, options);
  }

  /** Resolves with the sequence number; undefined when there was no such entry. */
  delete(key: string, options: CallOptions = {}): Promise<bigint | undefined> {
    return this.#entry(key).delete(options);
  }

  /** All keys; one that exists throughout comes exactly once. */
  async *keys(options: CallOptions = {}): AsyncGenerator<string, void, void> {
    for await (const { id } of this.#checkpoint.sections(options)) yield decode(id);
  }

  /**
   * Every change from `ready` on, of all keys, in the one order of the cluster. A `gap` says that changes are
   * missing: after a slow reader, or after partitions met. To have the state and follow it: watch, await
   * `ready`, then read; again from reading on after a gap.
   */
  watch(options: WatchOptions = {}): Watch<MapChange<T>> {
    return this.#checkpoint.watchWith((event) => {
      const change = valueChange(event, this.#codec);
      return change === 'gap' ? change : { ...change, key: decode(idOf(event.sectionId)) };
    }, options);
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#checkpoint.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #entry(key: string): TypedSection<T> {
    if (typeof key !== 'string' || key === '') throw new TypeError('a key is a text, not empty');
    return this.#checkpoint.section(key).as(this.#codec);
  }
}

const decode = (id: Uint8Array): string => Buffer.from(id).toString('utf8');
