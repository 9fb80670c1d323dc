/** Every codec of the ring's datagrams, for the ring, for dump tools and for the simulator's checkers. */
export * from './announcements.ts';
export * from './commit-token.ts';
export * from './header.ts';
export * from './invariant.ts';
export { decodeJoin, encodeJoin, JOIN_BYTES, type Join } from './join.ts';
export * from './limits.ts';
export * from './mcast.ts';
export * from './orf-token.ts';
