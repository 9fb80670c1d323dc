/** Sending and staging of the services' states during one synchronisation. Nothing here touches a committed state. */
import { MESSAGE_BYTES_MAX, type RingId } from '@aisexec/totem';
import { decode, encode } from '../codec.ts';
import type { Replica, State } from '../host/replica.ts';
import { invariant } from '../invariant.ts';
import { STATE_BATCH_BYTES } from '../limits.ts';
import { encodeChunks, encodeEnd, HEADER_BYTES, type Header } from './messages.ts';
import type { RankedPart } from './plan.ts';

/**
 * The messages that carry one service's state: batches of chunks, then the end marker. A generator, so
 * that a full queue pauses it and an abort forgets it. @param version what the receivers understand.
 */
export function* sendState(
  replica: Replica,
  ringId: RingId,
  version: number,
): Generator<readonly Uint8Array[]> {
  const header: Header = { kind: 'chunks', service: replica.id, ringId };
  const { canSave } = replica.definition.sync;
  const isAble = replica.guard('save', () => canSave?.(replica.state, version) ?? true);
  if (isAble !== true) return yield encodeEnd(ringId, replica.id, false);
  const chunks = replica.guard('save', () => replica.chunks(version)[Symbol.iterator]());
  let batch: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = replica.guard('save', () => packNext(chunks!));
    if (!replica.running) return yield encodeEnd(ringId, replica.id, false);
    if (batch.length > 0 && (chunk === undefined || size + chunk.length > STATE_BATCH_BYTES)) {
      yield encodeChunks(header, batch);
      batch = [];
      size = 0;
    }
    if (chunk === undefined) return yield encodeEnd(ringId, replica.id, true);
    batch.push(chunk);
    size += chunk.length;
  }
}

function packNext(chunks: Iterator<unknown>): Uint8Array | undefined {
  const next = chunks.next();
  if (next.done === true) return undefined;
  const bytes = encode(next.value);
  const room = MESSAGE_BYTES_MAX - HEADER_BYTES - 4;
  invariant(bytes.length <= room, 'state chunk too large', { bytes: bytes.length, room });
  return bytes;
}

/** One part of a service's state, as it arrives. */
export class StagedPart {
  readonly plan: RankedPart;
  readonly #replica: Replica | undefined;
  /** Index of the sender in the plan's nodes: the next one follows when one cannot. */
  #sender = 0;
  #complete = false;
  #state: State;

  /** @param replica where to load it; undefined: only followed to its end. */
  constructor(plan: RankedPart, replica: Replica | undefined) {
    this.plan = plan;
    this.#replica = replica;
    this.#reset();
  }

  /** Who sends; undefined when none of its nodes could. */
  get sender(): number | undefined {
    return this.plan.nodes[this.#sender];
  }

  /** Nothing more will come. */
  get settled(): boolean {
    return this.#complete || this.sender === undefined;
  }

  /** Whether the whole state is here. */
  get complete(): boolean {
    return this.#complete;
  }

  get state(): State {
    return this.#state;
  }

  load(packed: readonly Uint8Array[]): void {
    const replica = this.#replica;
    if (replica === undefined) return;
    const { sync } = replica.definition;
    replica.guard('load', () => {
      for (const bytes of packed) {
        const chunk = decode(bytes);
        invariant(
          chunk.ok && sync.chunk.check(chunk.value),
          'state chunk does not fit its schema',
          {
            service: replica.name,
          },
        );
        sync.load(this.#state, chunk.value);
      }
    });
  }

  end(complete: boolean): void {
    if (complete) {
      this.#complete = true;
      return;
    }
    this.#sender++;
    this.#reset();
  }

  #reset(): void {
    this.#state = this.#replica?.guard('init', () => this.#replica!.definition.init());
  }
}

/** What a service's state will be when the synchronisation is activated. */
export interface StagedState {
  readonly state: State;
}

/**
 * The new state of one service from its parts, winner first; undefined: keep the committed one.
 */
export function stage(replica: Replica, parts: readonly StagedPart[]): StagedState | undefined {
  const complete = parts.filter((part) => part.complete);
  if (complete.length === 0) return undefined;
  if (complete.length === 1) return { state: complete[0]!.state };
  const state = replica.guard('merge', () =>
    replica.definition.sync.merge(
      complete.map((part) => ({
        state: part.state,
        members: part.plan.nodes,
        ringId: part.plan.lineage.ringId,
        quorate: part.plan.lineage.quorate,
        superseded: part.plan.superseded,
      })),
    ),
  );
  return replica.running ? { state } : undefined;
}
