/** What the CPG client and the CPG service of one executive say to each other. */
import { type Infer, s } from '@aisexec/service';
import { GROUP_NAME_BYTES_MAX, MESSAGE_BYTES_MAX, PART_BYTES_MAX } from './limits.ts';

export const CPG_SERVICE = 'cpg';

/** Why a process is in or out (libcpg's numbers). */
export const CpgReason = { join: 1, leave: 2, nodeDown: 3, nodeUp: 4, processDown: 5 } as const;
export type CpgReason = (typeof CpgReason)[keyof typeof CpgReason];

/** A member of a group: one process on one node. */
export interface CpgProcess {
  readonly nodeId: number;
  readonly pid: number;
}

/** Somebody who joined or left, and why. */
export interface CpgChange extends CpgProcess {
  readonly reason: CpgReason;
}

/**
 * Replied when the join is ordered: `{ rc, self: CpgProcess, members: CpgProcess[], bare }`. With `bare` in both, messages
 * are bytes without a map around them (bare.ts), as a client before that did not know.
 */
export const joinRequest = s.object({
  group: s.bytes(GROUP_NAME_BYTES_MAX),
  pid: s.u32,
  bare: s.optional(s.bool),
});
export type JoinRequest = Infer<typeof joinRequest>;
/** Replied when the message is delivered here, in its place of the total order. Bare: the bytes alone. */
export const multicastRequest = s.object({ bytes: s.bytes(MESSAGE_BYTES_MAX) });
export const bareMulticastRequest = s.bytes(MESSAGE_BYTES_MAX);
/**
 * A part of a message of `total` bytes, the parts in order and one after the other. Replied like a message; INTERRUPT when the
 * membership changed since the first part: nothing of the message will arrive, begin again.
 */
export const partRequest = s.object({
  bytes: s.bytes(PART_BYTES_MAX),
  total: s.u32,
  first: s.bool,
});
export type PartRequest = Infer<typeof partRequest>;
/** Replied when the leave is ordered. */
export const leaveRequest = s.object({});

/** Callback: a message, or a part of a large one; see bare.ts for its bare form. */
export interface MessageEvent extends CpgProcess {
  readonly bytes: Uint8Array;
  readonly part: 'whole' | 'first' | 'middle' | 'last';
}
export const MESSAGE = 'message';

/** Callback: the members of the group have changed. */
export interface MembersEvent {
  readonly members: readonly CpgProcess[];
  readonly joined: readonly CpgChange[];
  readonly left: readonly CpgChange[];
}
export const MEMBERS = 'members';

/** Callback: a ring was formed (libcpg's totem confchg); after the change of members that comes with it. */
export interface RingEvent {
  readonly ringId: { readonly rep: number; readonly seq: number };
  readonly nodes: readonly number[];
}
export const RING = 'ring';
