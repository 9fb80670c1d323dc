/**
 * Cluster membership for Node.js: who is a member, since which view, and every change. {@link Membership}
 * is the idiomatic layer; the `saClm…` functions are AIS CLM to the letter.
 *
 * @packageDocumentation
 */
export { clmAdminOperation, NodeAdmin, type RemovalOptions } from './client/admin.ts';
export * from './client/constants.ts';
export { createSaClm } from './client/literal.ts';
export type * from './client/literal-types.ts';
export { Membership, type MembershipOptions, type StepOptions } from './client/membership.ts';
export * from './client/sa-clm.ts';
export type {
  Member,
  MembershipChange,
  MembershipView,
  RemovalAborted,
  RemovalStep,
  ViewChange,
} from './client/view.ts';
export {
  type AdminState,
  type NodeAdminState,
  SA_CLM_LOCAL_NODE_ID,
  SA_CLM_NODE_JOINED,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_NO_CHANGE,
  SA_CLM_NODE_RECONFIGURED,
  SA_CLM_NODE_SHUTDOWN,
  SA_CLM_NODE_UNLOCK,
  SaClmClusterChangesT,
  type StepResponse,
} from './protocol.ts';
