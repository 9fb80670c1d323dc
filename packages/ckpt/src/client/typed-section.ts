/** A section that holds one value. */
import { isSaAisError, SA_AIS_ERR_NOT_EXIST, SA_AIS_ERR_TOO_BIG, SaAisError } from '@aisexec/ais';
import type { CallOptions } from '@aisexec/ipc';
import { REQUEST_BYTES_MAX } from '../limits.ts';
import type { SectionChangedCallback } from '../protocol.ts';
import type { Codec } from './codec.ts';
import { readVector } from './requests.ts';
import type { SectionOwner } from './session.ts';
import { timeOf } from './times.ts';
import type { Watch } from './watch.ts';
import { startWatch, type WatchOptions } from './watching.ts';

export interface SetOptions extends CallOptions {
  /** When the value is deleted; null, the default: never. */
  readonly expiresAt?: Date | null;
}

/** A value was set, or it ended. */
export type ValueChange<T> =
  | { readonly type: 'set'; readonly sequence: bigint; readonly value: T }
  | { readonly type: 'deleted' | 'expired'; readonly sequence: bigint };

export class TypedSection<T> {
  readonly #owner: SectionOwner;
  readonly #key: string;
  readonly #codec: Codec<T>;

  /** @internal Use `Section.as`. */
  constructor(owner: SectionOwner, key: string, codec: Codec<T>) {
    this.#owner = owner;
    this.#key = key;
    this.#codec = codec;
  }

  /** The value of this node's replica; undefined when there is none. */
  async get(options: CallOptions = {}): Promise<T | undefined> {
    const { session, handle } = this.#owner;
    const item = { sectionId: this.#key, offset: 0, size: null };
    try {
      const { data } = await session.call('saCkptCheckpointRead', options, (ask) =>
        readVector(ask, handle, [item]),
      );
      return this.#codec.decode(data[0] ?? new Uint8Array(0));
    } catch (error) {
      if (isSaAisError(error) && error.code === SA_AIS_ERR_NOT_EXIST) return undefined;
      throw error;
    }
  }

  /**
   * Replaces the value, in one step; there need be none before. Resolves with the sequence number of the change.
   * @throws SaAisError: NO_SPACE beyond the checkpoint's sections, INVALID_PARAM beyond their size …
   */
  async set(value: T, options: SetOptions = {}): Promise<bigint> {
    const call = 'saCkptSectionOverwrite';
    const { session, handle } = this.#owner;
    const data = this.#codec.encode(value);
    if (data.length > REQUEST_BYTES_MAX) throw new SaAisError(SA_AIS_ERR_TOO_BIG, call);
    const expirationTime = timeOf(options.expiresAt ?? null);
    const request = { handle, sectionId: this.#key, expirationTime, data };
    try {
      const { order } = await session.call(call, options, (ask) => ask('put', request));
      return BigInt(order as bigint);
    } finally {
      this.#owner.changes++;
    }
  }

  /** Resolves with the sequence number of the deletion; undefined when there was no value. */
  async delete(options: CallOptions = {}): Promise<bigint | undefined> {
    const { session, handle } = this.#owner;
    try {
      const { order } = await session.call('saCkptSectionDelete', options, (ask) =>
        ask('sectionDelete', { handle, sectionId: this.#key }),
      );
      return BigInt(order as bigint);
    } catch (error) {
      if (isSaAisError(error) && error.code === SA_AIS_ERR_NOT_EXIST) return undefined;
      throw error;
    } finally {
      this.#owner.changes++;
    }
  }

  /** Every change of the value from `ready` on, in order; a value over 64 KiB is a gap. */
  watch(options: WatchOptions = {}): Watch<ValueChange<T>> {
    const convert = (event: SectionChangedCallback) => valueChange(event, this.#codec);
    return startWatch(this.#owner, this.#key, convert, { ...options, data: true });
  }
}

/** @internal */
export function valueChange<T>(
  event: SectionChangedCallback,
  codec: Codec<T>,
): ValueChange<T> | 'gap' {
  const { change, order: sequence, data } = event;
  if (change === 'deleted' || change === 'expired') return { type: change, sequence };
  return data === null ? 'gap' : { type: 'set', sequence, value: codec.decode(data) };
}
