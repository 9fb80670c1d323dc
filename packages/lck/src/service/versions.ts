/** From which version of what nodes say on (contract: `ServiceDefinition.version`) something is done. */

/** A client's end is taken in steps (ADR 0194). */
export const STEPS_SINCE = 2;
/** The bound of opens in the cluster: all replicas must refuse alike. */
export const OPENS_BOUND_SINCE = 3;
