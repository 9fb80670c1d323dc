/**
 * The two messages of Corosync's synchronisation, byte for byte (totem-wire §4.1), and the encoder that
 * cannot break the protocol: one service_build per ring, one barrier per step, none after completion.
 * A superfluous barrier crashes Corosync 3.1 (totem-wire §4.7 rule 1), so the encoder throws first.
 */
import { type RingId, ringIdText } from '@aisexec/totem';
import { invariant } from '../invariant.ts';
import { SERVICE_ID_MAX, SYNC_SERVICES_MAX } from '../limits.ts';

const ID_BARRIER = 0;
const ID_BUILD = 1;
const BARRIER_BYTES = 32;
const BUILD_BYTES = 552;
const OFFSET_SIZE = 8;
const OFFSET_REP = 16;
/** The ring id is packed: no gap before its sequence. */
const OFFSET_SEQ = 20;
const OFFSET_COUNT = 32;
const OFFSET_IDS = 40;

export type SyncMessage =
  | { readonly type: 'barrier'; readonly ringId: RingId }
  | { readonly type: 'build'; readonly ringId: RingId; readonly services: readonly number[] };

/** @returns undefined for what is neither message or breaks a bound. */
export function decodeSync(bytes: Uint8Array): SyncMessage | undefined {
  if (bytes.length < BARRIER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const id = view.getInt32(0, true);
  if (view.getInt32(OFFSET_SIZE, true) !== bytes.length) return undefined;
  const seq = view.getBigUint64(OFFSET_SEQ, true);
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const ringId = { rep: view.getUint32(OFFSET_REP, true), seq: Number(seq) };
  if (id === ID_BARRIER && bytes.length === BARRIER_BYTES) return { type: 'barrier', ringId };
  if (id !== ID_BUILD || bytes.length !== BUILD_BYTES) return undefined;
  const services = decodeServices(view);
  return services === undefined ? undefined : { type: 'build', ringId, services };
}

function decodeServices(view: DataView): number[] | undefined {
  const count = view.getInt32(OFFSET_COUNT, true);
  if (count < 0 || count > SYNC_SERVICES_MAX) return undefined;
  const services: number[] = [];
  for (let i = 0; i < count; i++) {
    const id = view.getInt32(OFFSET_IDS + 4 * i, true);
    if (id < 0 || id > SERVICE_ID_MAX) return undefined;
    services.push(id);
  }
  return services;
}

/** Encodes what one node sends, ring after ring; every misuse is an InvariantError before it is sent. */
export class SyncEncoder {
  #ringId: RingId = { rep: 0, seq: -1 };
  #built = false;
  /** Steps of this ring's synchronisation; known when all builds are there. */
  #steps = 0;
  #step = 0;
  #barriers = 0;

  /** A new regular configuration: the protocol starts over. */
  begin(ringId: RingId): void {
    invariant(
      ringId.rep !== this.#ringId.rep || ringId.seq !== this.#ringId.seq,
      'sync began twice in one ring',
      { ring: ringIdText(ringId) },
    );
    this.#ringId = ringId;
    this.#built = false;
    this.#steps = 0;
    this.#step = 0;
    this.#barriers = 0;
  }

  build(services: readonly number[]): Uint8Array {
    invariant(!this.#built, 'second service_build in one ring', this.#numbers());
    invariant(services.length <= SYNC_SERVICES_MAX, 'too many services', {
      count: services.length,
    });
    this.#built = true;
    const view = this.#header(ID_BUILD, BUILD_BYTES);
    view.setInt32(OFFSET_COUNT, services.length, true);
    services.forEach((id, i) => {
      invariant(Number.isInteger(id) && id >= 0 && id <= SERVICE_ID_MAX, 'service id', { id });
      view.setInt32(OFFSET_IDS + 4 * i, id, true);
    });
    return new Uint8Array(view.buffer);
  }

  /** All builds are there: the number of steps is agreed. */
  agreed(steps: number): void {
    invariant(this.#built && this.#steps === 0, 'steps agreed twice', this.#numbers());
    this.#steps = steps;
  }

  /** All barriers of the current step are there. */
  stepDone(): void {
    invariant(this.#barriers === this.#step + 1, 'step done without own barrier', this.#numbers());
    this.#step++;
  }

  barrier(): Uint8Array {
    invariant(this.#step < this.#steps, 'barrier outside of the agreed steps', this.#numbers());
    invariant(this.#barriers === this.#step, 'second barrier in one step', this.#numbers());
    this.#barriers++;
    return new Uint8Array(this.#header(ID_BARRIER, BARRIER_BYTES).buffer);
  }

  #header(id: number, size: number): DataView<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(size));
    view.setInt32(0, id, true);
    view.setInt32(OFFSET_SIZE, size, true);
    view.setUint32(OFFSET_REP, this.#ringId.rep, true);
    view.setBigUint64(OFFSET_SEQ, BigInt(this.#ringId.seq), true);
    return view;
  }

  #numbers(): Record<string, unknown> {
    return {
      ring: ringIdText(this.#ringId),
      step: this.#step,
      steps: this.#steps,
      barriers: this.#barriers,
    };
  }
}
