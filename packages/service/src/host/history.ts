/**
 * Where this node stands in the total order: the lineage of its state and the place of the next event.
 * Counts every message of group `ais` since the last activation, understood or not, so that all
 * members that delivered the same agree.
 */
import type { View } from '../contract.ts';
import { Hash64 } from '../state-hash.ts';
import type { Lineage } from '../sync/messages.ts';
import type { PastRing } from '../sync/past.ts';
import type { SyncPlan } from '../sync/plan.ts';

export class History {
  #view: View | undefined;
  #events = 0;
  #first = 0n;
  #digest = new Hash64();
  #pristine = true;
  #primary = 0;
  #past: readonly PastRing[] = [];
  readonly #nodeId: number;
  #hasMet = false;

  constructor(nodeId: number) {
    this.#nodeId = nodeId;
  }

  /**
   * A synchronised view: event 0 of a new history.
   *
   * @param plan what the view grew from.
   */
  begin(
    view: View,
    plan: Pick<SyncPlan, 'order' | 'pristine' | 'primary' | 'lineages' | 'past'>,
  ): void {
    this.#view = view;
    // A node that joined brought none of the histories that met, any other one of them.
    const own = view.joined.includes(this.#nodeId) ? 0 : 1;
    this.#hasMet ||= !plan.pristine && plan.lineages > own;
    this.#pristine = plan.pristine;
    this.#past = plan.past;
    this.#primary = view.quorate ? view.ringId.seq : plan.primary;
    this.#events = 0;
    this.#first = plan.order;
    this.#digest = new Hash64();
  }

  /** The same view with another word of the quorum filter. */
  judged(view: View): void {
    this.#view = view;
    if (view.quorate) this.#primary = view.ringId.seq;
  }

  /**
   * One more message. What a node delivers of a ring is a prefix per sender, in the ring's order (EVS), so
   * the senders' sequence alone tells two histories apart; the length is for good measure.
   */
  count(source: number, length: number): void {
    this.#events++;
    this.#pristine = false;
    this.#digest.word(source);
    this.#digest.word(length);
  }

  /** The place of the event counted last. Rises with every event and view (ADR 0041). */
  get order(): bigint {
    return this.#first + BigInt(this.#events);
  }

  /** Which rings this history went through. */
  get past(): readonly PastRing[] {
    return this.#past;
  }

  /** Whether it has been in a view with others who brought a history in which something had happened. */
  get hasMet(): boolean {
    return this.#hasMet;
  }

  /** null before the first view: this node has no state. */
  get lineage(): Lineage | null {
    const view = this.#view;
    if (view === undefined) return null;
    return {
      ringId: view.ringId,
      events: this.#events,
      digest: this.#digest.hex(),
      pristine: this.#pristine,
      quorate: view.quorate,
      primary: this.#primary,
      members: view.members.map(({ nodeId }) => nodeId),
    };
  }
}
