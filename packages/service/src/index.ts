/**
 * Write a replicated service: the contract, the host that runs it on a group-messaging layer, the
 * synchronisation engine and quorum. Pure: no I/O, no clock, no promises.
 *
 * @packageDocumentation
 */
export * from './contract.ts';
export * from './host-contract.ts';
export * from './quorum/contract.ts';
export { type Fields, type Infer, type InferFields, type Schema, s } from './schema.ts';
