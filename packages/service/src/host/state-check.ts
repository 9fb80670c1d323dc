/**
 * Comparing replicas while they run (ADR 0128): an ordered message names a place, each member hashes the whole
 * states it has there and tells the others, and whoever finds a hash that is not its own says so. Nothing is
 * repaired: no replica knows which of them is right.
 *
 * A state of which contents are still to come takes no part.
 */
import type { ExecContext, View } from '../contract.ts';
import { SYNC_SERVICES_MAX } from '../limits.ts';
import { type Infer, s } from '../schema.ts';
import { spokenBy, told } from '../versions.ts';
import { encodeEnvelope } from './envelope.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';

export interface StateCheckOptions {
  readonly nodeId: number;
  readonly replicas: ReadonlyMap<number, Replica>;
  readonly outbox: Outbox;
  readonly wallClock: () => bigint;
  /** Whether contents of a service are still to come. */
  readonly isLacking: (service: number) => boolean;
  readonly counters: { statesCompared: number; statesMismatched: number };
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

const ring = { rep: s.u32, seq: s.count };
const ask = s.object({ ...ring, ask: s.bool });
/** `version`: of the code, when it is not the first. Other code may keep the same state in another shape. */
const entry = s.object({ id: s.u8, hash: s.text(16), version: s.optional(s.u16) });
const hashes = s.object({
  ...ring,
  place: s.u64,
  hashes: s.list(entry, SYNC_SERVICES_MAX),
});

export class StateCheck {
  readonly #options: StateCheckOptions;
  /** The last place that was asked for in this view, and our hashes there. */
  #place = 0n;
  readonly #own = new Map<number, string>();

  constructor(options: StateCheckOptions) {
    this.#options = options;
  }

  /** Asks all members to compare, in the name of the lowest one. */
  begin(view: View): void {
    if (view.members[0]?.nodeId !== this.#options.nodeId) return;
    this.#send(view, { ask: true });
  }

  /** One of our messages, at its place in the order. */
  apply(payload: unknown, source: number, { view, order }: ExecContext): void {
    const { rep, seq } = view.ringId;
    if (ask.check(payload) && payload.rep === rep && payload.seq === seq) this.#hash(view, order);
    else if (hashes.check(payload) && payload.rep === rep && payload.seq === seq) {
      this.#compare(payload.place, payload.hashes, source, view);
    }
  }

  #hash(view: View, order: bigint): void {
    this.#own.clear();
    this.#place = order;
    for (const [id, replica] of this.#options.replicas) {
      if (this.#options.isLacking(id)) continue;
      const hash = replica.hash();
      if (hash !== '') this.#own.set(id, hash);
    }
    const { replicas } = this.#options;
    const all = [...this.#own].map(([id, hash]) => {
      const { version } = told(replicas.get(id)!.spoken);
      return version === undefined ? { id, hash } : { id, hash, version };
    });
    this.#send(view, { place: order, hashes: all });
  }

  #compare(place: bigint, theirs: Infer<typeof entry>[], source: number, { ringId }: View): void {
    if (place !== this.#place || source === this.#options.nodeId) return;
    const { counters, replicas, trace } = this.#options;
    for (const { id, hash: other, version } of theirs) {
      const hash = this.#own.get(id);
      const speaks = replicas.get(id)?.spoken.version;
      if (hash === undefined || spokenBy({ version: version ?? undefined }).version !== speaks)
        continue;
      counters.statesCompared++;
      if (hash === other) continue;
      counters.statesMismatched++;
      const service = replicas.get(id)?.name;
      trace('state-mismatch', { service, ringId, place, hash, otherNode: source, other });
    }
  }

  #send({ ringId }: View, what: Readonly<Record<string, unknown>>): void {
    const payload = { rep: ringId.rep, seq: ringId.seq, ...what };
    const time = this.#options.wallClock();
    this.#options.outbox.push(encodeEnvelope({ kind: 'check', time, payload }), 'agreed');
  }
}
