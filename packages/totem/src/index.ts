/**
 * Totem: the single-ring ordering and membership protocol and its process groups, byte-compatible with
 * Corosync 3.1, without I/O, clock or randomness of its own.
 *
 * @packageDocumentation
 */
export { append, BufferPool, type Growing, POOLED_BYTES_MIN } from './buffer-pool.ts';
export * from './contract.ts';
export * from './link/index.ts';
export {
  createProcessGroups,
  type ProcessGroups,
  type ProcessGroupsOptions,
} from './pg/process-groups.ts';
export * from './ring.ts';
export { type RingOptions, ringDefaults } from './srp/defaults.ts';
export { createRing } from './srp/machine.ts';
export { createTotem, type Totem } from './totem.ts';
export * as wire from './wire/index.ts';
