/** One section of a checkpoint, by its id; nothing is asked of the executive until a method is called. */
import { SA_AIS_ERR_NOT_EXIST, SaAisError } from '@aisexec/ais';
import type { CallOptions } from '@aisexec/ipc';
import type { SectionDescription } from '../protocol.ts';
import type { Codec } from './codec.ts';
import { createSection, idOf, overwriteSection, readVector, writeVector } from './requests.ts';
import type { SectionOwner } from './session.ts';
import { dateOf, timeOf } from './times.ts';
import { TypedSection } from './typed-section.ts';
import { type SectionChange, sectionChange, type Watch } from './watch.ts';
import { type SectionWatchOptions, startWatch } from './watching.ts';

export interface SectionCreateOptions extends CallOptions {
  /** When the section is deleted; null, the default: never. */
  readonly expiresAt?: Date | null;
}

export interface SectionReadOptions extends CallOptions {
  /** 0 by default. */
  readonly offset?: number;
  /** All by default; what is read may be shorter. */
  readonly length?: number;
}

export interface SectionWriteOptions extends CallOptions {
  /** 0 by default. */
  readonly offset?: number;
}

export interface SectionInfo {
  readonly id: Uint8Array;
  readonly size: number;
  /** null: never. */
  readonly expiresAt: Date | null;
  readonly lastUpdate: Date;
}

export class Section {
  readonly #owner: SectionOwner;
  readonly #key: string;

  /** @internal Use `Checkpoint.section`. */
  constructor(owner: SectionOwner, key: string) {
    this.#owner = owner;
    this.#key = key;
  }

  get id(): Uint8Array {
    return idOf(this.#key);
  }

  /** @throws SaAisError: EXIST, NO_SPACE beyond maxSections, INVALID_PARAM for an id or data too long. */
  async create(data: Uint8Array = NOTHING, options: SectionCreateOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    const time = timeOf(options.expiresAt ?? null);
    await this.#change(() =>
      session.call('saCkptSectionCreate', options, (ask) =>
        createSection(ask, handle, this.#key, time, data),
      ),
    );
  }

  /** @throws SaAisError: NOT_EXIST when there is no such section. */
  async read(options: SectionReadOptions = {}): Promise<Uint8Array> {
    const { session, handle } = this.#owner;
    const { offset = 0, length: size = null } = options;
    const item = { sectionId: this.#key, offset, size };
    const { data } = await session.call('saCkptCheckpointRead', options, (ask) =>
      readVector(ask, handle, [item]),
    );
    return data[0] ?? NOTHING;
  }

  /** Writes at an offset and extends the section as needed. */
  async write(data: Uint8Array, options: SectionWriteOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    const item = { sectionId: this.#key, offset: options.offset ?? 0, data };
    await this.#change(() =>
      session.call('saCkptCheckpointWrite', options, (ask) => writeVector(ask, handle, [item])),
    );
  }

  /** Replaces the content and its size. */
  async overwrite(data: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    await this.#change(() =>
      session.call('saCkptSectionOverwrite', options, (ask) =>
        overwriteSection(ask, handle, this.#key, data),
      ),
    );
  }

  async delete(options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    await this.#change(() =>
      session.call('saCkptSectionDelete', options, (ask) =>
        ask('sectionDelete', { handle, sectionId: this.#key }),
      ),
    );
  }

  /** Sets or, with null, takes away the time at which the section is deleted. */
  async expire(at: Date | null, options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    const request = { handle, sectionId: this.#key, expirationTime: timeOf(at) };
    await this.#change(() =>
      session.call('saCkptSectionExpirationTimeSet', options, (ask) =>
        ask('expirationTimeSet', request),
      ),
    );
  }

  /** @throws SaAisError: NOT_EXIST when there is no such section. */
  async info(options: CallOptions = {}): Promise<SectionInfo> {
    const { session, handle } = this.#owner;
    const call = 'saCkptSectionIterationNext';
    const { sections } = await session.call(call, options, (ask) =>
      ask('sectionDescribe', { handle, sectionIds: [this.#key] }),
    );
    const [found] = sections as (SectionDescription | null)[];
    if (found === null || found === undefined) throw new SaAisError(SA_AIS_ERR_NOT_EXIST, call);
    return sectionInfo(found);
  }

  /** Changes of this section from `ready` on, whether it exists yet or not. */
  watch(options: SectionWatchOptions = {}): Watch<SectionChange> {
    return startWatch(this.#owner, this.#key, sectionChange, options);
  }

  /** The section as the holder of one value, e.g. `section.as(json<Cart>())`. */
  as<T>(codec: Codec<T>): TypedSection<T> {
    return new TypedSection(this.#owner, this.#key, codec);
  }

  async #change(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } finally {
      this.#owner.changes++;
    }
  }
}

export function sectionInfo(description: SectionDescription): SectionInfo {
  const { sectionId, sectionSize: size, expirationTime, lastUpdate } = description;
  const expiresAt = dateOf(expirationTime);
  return { id: idOf(sectionId), size, expiresAt, lastUpdate: dateOf(lastUpdate) ?? new Date(0) };
}

const NOTHING = new Uint8Array(0);
