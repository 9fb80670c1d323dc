/** A histogram with fixed bounds: observing costs a few comparisons and allocates nothing. */
import type { HistogramValue } from './exposition.ts';

export interface Histogram {
  observe(value: number): void;
  value(): HistogramValue;
}

/** @param bounds upper bounds, ascending. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  return {
    observe(value) {
      let index = 0;
      while (index < bounds.length && value > bounds[index]!) index++;
      counts[index]!++;
      sum += value;
    },
    value: () => ({ bounds, counts: [...counts], sum }),
  };
}
