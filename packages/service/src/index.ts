/**
 * Write a replicated service: the contract, the host that runs it on a group-messaging layer, the
 * synchronisation engine and quorum. Pure: no I/O, no clock, no promises.
 *
 * @packageDocumentation
 */
export { checkDefinition } from './check-definition.ts';
export { decode, encode } from './codec.ts';
export * from './contract.ts';
export { createCfgService } from './corosync/cfg.ts';
export { type Citizen, type CitizenOptions, createCitizen } from './corosync/citizen.ts';
export type { CorosyncBus, CorosyncService } from './corosync/contract.ts';
export {
  createExecMessage,
  decodeExecHeader,
  EXEC_HEADER_BYTES,
  type ExecHeader,
  viewOf,
} from './corosync/exec-message.ts';
export {
  createVotequorum,
  type VoteOptions,
  type Votequorum,
} from './corosync/votequorum.ts';
export { Emitter } from './host/emitter.ts';
export type { Turns } from './host/replica.ts';
export { createServiceHost } from './host.ts';
export * from './host-contract.ts';
export { InvariantError, invariant } from './invariant.ts';
export { definePlugin, NO_CONFIG, SERVICE_API_VERSION, type ServicePlugin } from './plugin.ts';
export * from './quorum/contract.ts';
export {
  createQuorum,
  type NoQuorumOptions,
  type QuorumOptions,
} from './quorum/create-quorum.ts';
export { rulesOf, type VotequorumOptions } from './quorum/votequorum.ts';
export { promisesOne, type TieBreaker, type VoteRules } from './quorum/votes.ts';
export type { YkdOptions } from './quorum/ykd.ts';
export { mayAct } from './roles.ts';
export { type Fields, type Infer, type InferFields, type Schema, s } from './schema.ts';
export { type SchemaFault, schemaFault } from './schema-fault.ts';
export { Hash64, hashState, sum52 } from './state-hash.ts';
export {
  createSyncEngine,
  SYNC_GROUP,
  type SyncEngine,
  type SyncEngineOptions,
  type SyncParticipant,
  type SyncStart,
} from './sync/engine.ts';
