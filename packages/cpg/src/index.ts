/**
 * Closed process groups of Corosync (CPG) for Node.js: programs here and programs on libcpg anywhere in the
 * ring exchange messages in one total order.
 *
 * @packageDocumentation
 */
export type { GroupEvent, GroupMembers, GroupMessage, GroupRing } from './client/events.ts';
export { type JoinOptions, ProcessGroup } from './client/process-group.ts';
export { type CpgChange, type CpgProcess, CpgReason } from './protocol.ts';
