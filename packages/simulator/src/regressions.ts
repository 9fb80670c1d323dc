/** Seeds that once found something, by name; a test runs them all. Add one with a line on what it found. */
import type { RunOptions } from './scenario.ts';

export interface Regression {
  /** Kebab-case, says what went wrong. */
  readonly name: string;
  readonly found: string;
  readonly options: RunOptions;
}

export const REGRESSIONS: readonly Regression[] = [];
