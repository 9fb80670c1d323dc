/** A planted fault: it changes the parts around the real ring so that one promise is broken now and then. */
import type { PropertyId } from '../checkers/violation.ts';
import type { PartsMutation } from '../processes/ring-process.ts';

export interface Mutant {
  readonly name: string;
  /** What is wrong, as a sentence. */
  readonly description: string;
  /** The checkers must report at least one of these. */
  readonly caughtBy: readonly PropertyId[];
  /** The first seed that catches it, with {@link MUTANT_SECONDS} under fire; `--mutants` looks for it again. */
  readonly seed: number;
  readonly mutate: PartsMutation;
}

/** Time under fire in which a planted fault must show. */
export const MUTANT_SECONDS = 10;
/** Every planted fault must be caught by one of this many seeds. */
export const MUTANT_SEEDS_MAX = 500;
