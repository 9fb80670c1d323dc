/**
 * Whether this part of the cluster has quorum, for programs that act on their own: asked once, or watched.
 *
 * @packageDocumentation
 */
export type { QuorumInfo, QuorumNodeInfo } from './protocol.ts';
export { Quorum, type QuorumOptions } from './quorum.ts';
