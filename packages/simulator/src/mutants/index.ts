/**
 * Planted faults around the real ring, to prove that the checkers bite (ADR 0031). Each names the seed
 * that catches it; `npm run sim -- --mutants` looks for the first one again, `--mutant NAME` shows how.
 */
import { CONFIGURATION_MUTANTS } from './configurations.ts';
import { DELIVERY_MUTANTS } from './deliveries.ts';
import { MEMBERSHIP_MUTANTS } from './membership.ts';
import type { Mutant } from './mutant.ts';
import { PROTOCOL_MUTANTS } from './protocol.ts';

export { MUTANT_SECONDS, MUTANT_SEEDS_MAX, type Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  ...DELIVERY_MUTANTS,
  ...CONFIGURATION_MUTANTS,
  ...PROTOCOL_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
];

export const MUTANT_NAMES: readonly string[] = MUTANTS.map((mutant) => mutant.name);

/** @throws RangeError for an unknown name */
export function mutantByName(name: string): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new RangeError(`no mutant is called "${name}"`);
  return mutant;
}
