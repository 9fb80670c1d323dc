/** An open checkpoint of the idiomatic layer. */
import { SA_AIS_ERR_NO_SECTIONS, SA_AIS_OK, SaAisError } from '@aisexec/ais';
import { type CallOptions, deadlineOf } from '@aisexec/ipc';
import {
  SA_CKPT_SECTIONS_ANY,
  type SaCkptCheckpointDescriptorT,
  type SectionChangedCallback,
} from '../protocol.ts';
import { SectionIteration } from './iteration.ts';
import {
  createSection,
  keyOf,
  type ReadItem,
  readVector,
  type WriteItem,
  writeVector,
} from './requests.ts';
import { Section, type SectionCreateOptions, type SectionInfo, sectionInfo } from './section.ts';
import type { SectionOwner, Session } from './session.ts';
import { durationOf, millisecondsOf, timeOf } from './times.ts';
import { type SectionChange, sectionChange, type Watch } from './watch.ts';
import { type SectionWatchOptions, startWatch, type WatchOptions } from './watching.ts';

/** The bytes of an id; a string stands for its UTF-8. */
export type SectionId = Uint8Array | string;

export interface CheckpointStatus {
  readonly sections: number;
  readonly bytes: number;
  readonly maxSections: number;
  readonly maxSectionBytes: number;
  readonly maxSectionIdBytes: number;
  /** Infinity: for ever. */
  readonly retentionMs: number;
}

export interface ReadRequest {
  /** The default section where absent. */
  readonly id?: SectionId;
  readonly offset?: number;
  readonly length?: number;
}

export interface WriteRequest {
  /** The default section where absent. */
  readonly id?: SectionId;
  readonly offset?: number;
  readonly data: Uint8Array;
}

/** Disposing of it closes it. */
export class Checkpoint implements AsyncDisposable {
  readonly name: string;
  readonly #owner: SectionOwner;
  #closing: Promise<void> | undefined;

  /** @internal Use `CheckpointService.open`. */
  constructor(session: Session, handle: bigint, name: string) {
    this.name = name;
    this.#owner = { session, handle, changes: 0 };
  }

  /** A section by its id, whether it exists or not; the default section without one. */
  section(id: SectionId = ''): Section {
    return new Section(this.#owner, sectionKey(id));
  }

  /** Creates a section under an id that the service chooses. */
  async createSection(data: Uint8Array, options: SectionCreateOptions = {}): Promise<Section> {
    const { session, handle } = this.#owner;
    const time = timeOf(options.expiresAt ?? null);
    const { sectionId } = await session.call('saCkptSectionCreate', options, (ask) =>
      createSection(ask, handle, null, time, data),
    );
    this.#owner.changes++;
    return new Section(this.#owner, sectionId ?? '');
  }

  /** Reads from several sections; the order of the results is that of the requests. */
  async read(requests: readonly ReadRequest[], options: CallOptions = {}): Promise<Uint8Array[]> {
    const { session, handle } = this.#owner;
    const items = requests.map(
      ({ id = '', offset = 0, length = null }): ReadItem => ({
        sectionId: sectionKey(id),
        offset,
        size: length,
      }),
    );
    const { data } = await session.call('saCkptCheckpointRead', options, (ask) =>
      readVector(ask, handle, items),
    );
    return [...data];
  }

  /** Writes to several sections in order, up to the first that fails; the error names its element. */
  async write(requests: readonly WriteRequest[], options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    const items = requests.map(
      ({ id = '', offset = 0, data }): WriteItem => ({ sectionId: sectionKey(id), offset, data }),
    );
    try {
      await session.call('saCkptCheckpointWrite', options, (ask) =>
        writeVector(ask, handle, items),
      );
    } finally {
      this.#owner.changes++;
    }
  }

  /**
   * All sections; one that exists throughout comes exactly once, others may or may not. Sections may be
   * created, written and deleted meanwhile. The options bound the iteration as a whole.
   */
  async *sections(options: CallOptions = {}): AsyncGenerator<SectionInfo, void, void> {
    const call = 'saCkptSectionIterationNext';
    const { session, handle } = this.#owner;
    const ask = session.asker(deadlineOf(options, call));
    const filter = { chosen: SA_CKPT_SECTIONS_ANY, expirationTime: 0n };
    const begun = await SectionIteration.begin(ask, handle, filter, this.#owner);
    if (begun.iteration === undefined) throw new SaAisError(begun.rc, call);
    while (true) {
      const { rc, section } = await begun.iteration.next(ask);
      if (rc === SA_AIS_ERR_NO_SECTIONS) return;
      if (rc !== SA_AIS_OK || section === undefined) throw new SaAisError(rc, call);
      yield sectionInfo(section);
    }
  }

  /** Changes of all sections from `ready` on, in the one order of the cluster. */
  watch(options: SectionWatchOptions = {}): Watch<SectionChange> {
    return startWatch(this.#owner, null, sectionChange, options);
  }

  /** @internal For layers on top, which want the contents in their own terms. */
  watchWith<T>(
    convert: (event: SectionChangedCallback) => T | 'gap',
    options: WatchOptions,
  ): Watch<T> {
    return startWatch(this.#owner, null, convert, { ...options, data: true });
  }

  async status(options: CallOptions = {}): Promise<CheckpointStatus> {
    const { session, handle } = this.#owner;
    const reply = await session.call('saCkptCheckpointStatusGet', options, (ask) =>
      ask('status', { handle }),
    );
    const status = reply['checkpointStatus'] as SaCkptCheckpointDescriptorT;
    const attributes = status.checkpointCreationAttributes;
    return {
      sections: status.numberOfSections,
      bytes: status.memoryUsed,
      maxSections: attributes.maxSections,
      maxSectionBytes: attributes.maxSectionSize,
      maxSectionIdBytes: attributes.maxSectionIdSize,
      retentionMs: millisecondsOf(attributes.retentionDuration),
    };
  }

  /** Resolves when all that was written before is on every member. */
  async synchronize(options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    await session.call('saCkptCheckpointSynchronize', options, (ask) =>
      ask('synchronize', { handle }),
    );
  }

  /** How long the checkpoint outlives its last close; Infinity: for ever. */
  async setRetention(retentionMs: number, options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    const retentionDuration = durationOf('retentionMs', retentionMs);
    await session.call('saCkptCheckpointRetentionDurationSet', options, (ask) =>
      ask('retentionDurationSet', { handle, retentionDuration }),
    );
  }

  /** Makes this node's replica the active one of a collocated, asynchronous checkpoint. */
  async activate(options: CallOptions = {}): Promise<void> {
    const { session, handle } = this.#owner;
    await session.call('saCkptActiveReplicaSet', options, (ask) =>
      ask('activeReplicaSet', { handle }),
    );
  }

  /** Idempotent. */
  close(): Promise<void> {
    const { session, handle } = this.#owner;
    this.#closing ??= session.release(handle);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function sectionKey(id: SectionId): string {
  return keyOf(typeof id === 'string' ? Buffer.from(id, 'utf8') : id);
}
