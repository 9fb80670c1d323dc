/**
 * One lock resource as a sequential object: who holds it, in which mode. The order of grants is left open, as
 * AIS leaves it; what is checked is that no grant contradicts a holder and no refusal a free lock.
 */
import type { Model } from './linearizability.ts';
import type { Mode } from './lock-history.ts';

export type LockOp =
  | { readonly kind: 'grant'; readonly id: number; readonly mode: Mode }
  /** NOT_QUEUED: somebody was in the way. */
  | { readonly kind: 'refuse'; readonly mode: Mode }
  /** Of a lock that is held. */
  | { readonly kind: 'release'; readonly id: number };

/** Ids of the holders, ascending; all have one mode. */
export interface LockModelState {
  readonly mode: Mode;
  readonly holders: readonly number[];
}

const EX: Mode = 2;

export const lockModel: Model<LockModelState, LockOp> = {
  initial: { mode: 1, holders: [] },
  step(state, op) {
    switch (op.kind) {
      case 'grant':
        if (blocked(state, op.mode)) return undefined;
        return { mode: op.mode, holders: [...state.holders, op.id].sort((a, b) => a - b) };
      case 'refuse':
        return blocked(state, op.mode) ? state : undefined;
      case 'release':
        if (!state.holders.includes(op.id)) return undefined;
        return { mode: state.mode, holders: state.holders.filter((id) => id !== op.id) };
      default:
        return op satisfies never;
    }
  },
  key: ({ mode, holders }) => `${holders.length === 0 ? 0 : mode} ${holders.join()}`,
};

function blocked({ mode, holders }: LockModelState, wanted: Mode): boolean {
  return holders.length > 0 && (mode === EX || wanted === EX);
}
