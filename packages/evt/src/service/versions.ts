/** From which version of what nodes say on (contract: `ServiceDefinition.version`) something is done. */

/** Heads of retained events without contents (ADR 0173). */
export const HEADS_SINCE = 2;
/** Bounds of opens and subscriptions in the cluster: all replicas must refuse alike. */
export const BOUNDS_SINCE = 3;
