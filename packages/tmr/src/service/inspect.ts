/** The timers for people and tools: JSON-safe. */
import type { TmrState } from './state.ts';

/** One timer of this node, as `aisctl timers` shows it. */
export interface TimerView {
  /** The client's connection number. */
  readonly connection: number;
  readonly id: string;
  /** Next expiration, nanoseconds since the Unix epoch: of a duration what the wall clock is expected to show. */
  readonly due: string;
  /** Nanoseconds; 0: single-shot. */
  readonly period: string;
  readonly count: string;
}

export function inspect(state: TmrState): { readonly timers: readonly TimerView[] } {
  const all = [...state.clients.values()].flatMap((timers) => [...timers.values()]);
  const timers = all.map(({ client, id, dueWall, count, attributes }) => ({
    connection: client.connection,
    id: `${id}`,
    due: `${dueWall}`,
    period: `${attributes.timerPeriodDuration}`,
    count: `${count}`,
  }));
  return { timers };
}
