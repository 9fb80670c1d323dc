/** A planted fault: it changes the parts around the real ring so that one promise is broken now and then. */
import type { PropertyId } from '../checkers/violation.ts';
import type { PartsMutation } from '../processes/ring-process.ts';

export interface Mutant {
  readonly name: string;
  /** What is wrong, as a sentence. */
  readonly description: string;
  /** The checkers must report at least one of these. */
  readonly caughtBy: readonly PropertyId[];
  /** Within how many seeds, counted from 1. */
  readonly withinSeeds: number;
  readonly mutate: PartsMutation;
}
