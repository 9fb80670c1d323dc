/**
 * Is a concurrent history linearizable? Wing and Gong's search with Lowe's memory of (what was linearized,
 * state): operations are tried in every order that real time allows, and no configuration twice. An
 * operation whose outcome nobody learned may take effect at any time after its invocation, or never.
 */

/** `invoke` and `complete` are places in one trace; no two of all a history's places are equal. */
export interface Operation<Op> {
  readonly invoke: number;
  /** `Infinity`: the outcome is unknown. */
  readonly complete: number;
  readonly op: Op;
}

/** The sequential object. States are values: `step` changes nothing. */
export interface Model<State, Op> {
  readonly initial: State;
  /** The state afterwards; undefined when the operation could not have had its outcome in `state`. */
  step(state: State, op: Op): State | undefined;
  /** Equal for equal states. */
  key(state: State): string;
}

/** `undecided`: more configurations than the caller allowed. */
export type Linearizability = 'linearizable' | 'not linearizable' | 'undecided';

export function checkLinearizability<State, Op>(
  history: readonly Operation<Op>[],
  model: Model<State, Op>,
  configurationsMax: number,
): Linearizability {
  const first = linkedEvents(history);
  const done = new Uint32Array((history.length + 31) >> 5);
  const seen = new Set<string>();
  const path: { readonly call: Event<Op>; readonly state: State }[] = [];
  let { initial: state } = model;
  let event = first.next;
  // Operations of unknown outcome are tried when nothing else is possible: most of them never mattered.
  let unknowns = false;
  for (;;) {
    // Returns of unknown outcomes stand last: to meet one means that all others are linearized.
    if (event === undefined || event.complete === Number.POSITIVE_INFINITY) return 'linearizable';
    if (event.partner !== undefined) {
      const next =
        isUnknown(event) === unknowns ? model.step(state, event.operation.op) : undefined;
      if (next !== undefined && isNew(event.index, next)) {
        if (seen.size > configurationsMax) return 'undecided';
        path.push({ call: event, state });
        state = next;
        lift(event);
        event = first.next;
        unknowns = false;
      } else event = event.next;
      continue;
    }
    if (!unknowns) {
      unknowns = true;
      event = first.next;
      continue;
    }
    // A return whose call cannot be linearized: the last choice was wrong.
    const last = path.pop();
    if (last === undefined) return 'not linearizable';
    state = last.state;
    done[last.call.index >> 5]! ^= 1 << (last.call.index & 31);
    unlift(last.call);
    unknowns = isUnknown(last.call);
    event = last.call.next;
  }

  function isNew(index: number, next: State): boolean {
    done[index >> 5]! ^= 1 << (index & 31);
    const key = `${done.join()} ${model.key(next)}`;
    if (!seen.has(key)) {
      seen.add(key);
      return true;
    }
    done[index >> 5]! ^= 1 << (index & 31);
    return false;
  }
}

/** A call, or with `partner` undefined a return. */
interface Event<Op> {
  readonly operation: Operation<Op>;
  readonly index: number;
  /** Set on returns: when. */
  readonly complete: number | undefined;
  /** Set on calls: its return. */
  partner: Event<Op> | undefined;
  previous: Event<Op> | undefined;
  next: Event<Op> | undefined;
}

function isUnknown<Op>(call: Event<Op>): boolean {
  return call.operation.complete === Number.POSITIVE_INFINITY;
}

/** All calls and returns in the order of the trace, behind a head that is neither. */
function linkedEvents<Op>(history: readonly Operation<Op>[]): { next: Event<Op> | undefined } {
  const events: { at: number; event: Event<Op> }[] = [];
  history.forEach((operation, index) => {
    const links = { operation, index, previous: undefined, next: undefined };
    const end: Event<Op> = { ...links, complete: operation.complete, partner: undefined };
    events.push({ at: operation.complete, event: end });
    const call: Event<Op> = { ...links, complete: undefined, partner: end };
    events.push({ at: operation.invoke, event: call });
  });
  events.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at));
  const head: { next: Event<Op> | undefined } = { next: undefined };
  let previous = head as Event<Op>;
  for (const { event } of events) {
    event.previous = previous;
    previous.next = event;
    previous = event;
  }
  return head;
}

function lift<Op>(call: Event<Op>): void {
  remove(call);
  remove(call.partner!);
}

/** Undoes {@link lift}, in the opposite order. */
function unlift<Op>(call: Event<Op>): void {
  restore(call.partner!);
  restore(call);
}

function remove<Op>(event: Event<Op>): void {
  event.previous!.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

function restore<Op>(event: Event<Op>): void {
  event.previous!.next = event;
  if (event.next !== undefined) event.next.previous = event;
}
