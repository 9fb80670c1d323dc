/** The timers for people and tools: JSON-safe. */
import type { TmrState } from './state.ts';

/** One timer of this node, as `aisctl timers` shows it. */
export interface TimerView {
  /** The client's connection number. */
  readonly connection: number;
  readonly id: string;
  /** Next expiration, nanoseconds since the Unix epoch. */
  readonly due: string;
  /** Nanoseconds; 0: single-shot. */
  readonly period: string;
  readonly count: string;
}

export function inspect(state: TmrState): { readonly timers: readonly TimerView[] } {
  const all = [...state.clients.values()].flatMap((timers) => [...timers.values()]);
  const timers = all.map(({ client, id, due, count, attributes }) => ({
    connection: client.connection,
    id: `${id}`,
    due: `${due}`,
    period: `${attributes.timerPeriodDuration}`,
    count: `${count}`,
  }));
  return { timers };
}
