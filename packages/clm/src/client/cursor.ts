/** What one iterator of `Membership.track` has seen, and what waits for it. Bounded: see {@link TrackCursor}. */
import type {
  Member,
  MembershipChange,
  MembershipView,
  RemovalAborted,
  RemovalStep,
  ViewChange,
} from './view.ts';

/** A step, and whether an answer is still owed for it. */
export interface PlannedStep {
  readonly item: RemovalStep | RemovalAborted;
  owesAnswer: boolean;
}

/**
 * At most one view waits, in which several changes are folded, and at most one step for each member: a
 * step that was not taken is dropped when the next one of its removal is there.
 */
export class TrackCursor {
  #seen: MembershipView | undefined;
  #next: MembershipView | undefined;
  /** Who left since the view that was seen, whether back or not. */
  readonly #gone = new Set<number>();
  #beforeNext: PlannedStep[] = [];
  #afterNext: PlannedStep[] = [];
  /** Removals that the iterator knows of, by nodeid: their last step. */
  readonly #known = new Map<number, PlannedStep>();
  #wake: (() => void) | undefined;

  /** A newer view, in the place of one that was not taken yet. */
  offer(view: MembershipView, left: readonly number[]): void {
    const known = this.#next ?? this.#seen;
    if (known !== undefined && view.viewNumber <= known.viewNumber) return;
    for (const nodeId of left) this.#gone.add(nodeId);
    this.#next = view;
    const isHere = (nodeId: number) => view.members.some((member) => member.nodeId === nodeId);
    for (const nodeId of [...this.#known.keys()]) if (!isHere(nodeId)) this.#settle(nodeId);
    this.#drop(({ item }) => !isHere(item.node.nodeId));
    this.wake();
  }

  /** The next step of a removal. */
  plan(step: PlannedStep): void {
    const { nodeId } = step.item.node;
    this.#drop(({ item }) => item.node.nodeId === nodeId);
    const isKnown = this.#known.has(nodeId);
    if (step.item.step === 'aborted') {
      this.#settle(nodeId);
      if (!isKnown) return; // of what nobody has heard of, nobody needs to know that it ended
    } else {
      const former = this.#known.get(nodeId);
      if (former !== undefined) former.owesAnswer = false;
    }
    (this.#next === undefined ? this.#beforeNext : this.#afterNext).push(step);
    this.wake();
  }

  /** The next item, and its step when it is one. */
  take(): { item: MembershipChange; step?: PlannedStep } | undefined {
    const step = this.#beforeNext.shift();
    if (step !== undefined) {
      if (step.item.step !== 'aborted') this.#known.set(step.item.node.nodeId, step);
      return { item: step.item, step };
    }
    const next = this.#next;
    if (next === undefined) return undefined;
    this.#next = undefined;
    this.#beforeNext = this.#afterNext;
    this.#afterNext = [];
    return { item: this.#compare(next) };
  }

  /** Resolves at the next {@link wake}. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #compare(next: MembershipView): ViewChange {
    const before = this.#seen?.members ?? [];
    this.#seen = next;
    const stays = (members: readonly Member[], { nodeId }: Member) =>
      !this.#gone.has(nodeId) && members.some((member) => member.nodeId === nodeId);
    const joined = next.members.filter((member) => !stays(before, member));
    const left = before.filter((member) => !stays(next.members, member));
    this.#gone.clear();
    return { ...next, step: 'completed', joined, left };
  }

  /** The removal of this node is over, one way or the other. */
  #settle(nodeId: number): void {
    const step = this.#known.get(nodeId);
    if (step !== undefined) step.owesAnswer = false;
    this.#known.delete(nodeId);
  }

  #drop(matches: (step: PlannedStep) => boolean): void {
    const keep = (step: PlannedStep) => !matches(step);
    this.#beforeNext = this.#beforeNext.filter(keep);
    this.#afterNext = this.#afterNext.filter(keep);
  }
}
