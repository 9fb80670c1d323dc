/**
 * The client half: connect to an aisexec executive. The server half is `@aisexec/ipc/server`.
 *
 * @packageDocumentation
 */
export * from './client/contract.ts';
export * from './client/handle-contract.ts';
