/**
 * What the two halves say to each other (docs/reference/ipc.md). A frame body is a msgpack map with the
 * kind in `t`. Unknown keys are ignored, so that a later version may add some. Requests, replies,
 * callbacks and holds are numbered by their order on each side of a session, from 1; the number is not
 * written into the frame (session-stream.ts).
 */

/** Version of this protocol; a client names it in hello, a server refuses what it does not speak. */
export const IPC_VERSION = 1;

/** The first frame of a client. */
export interface HelloFrame {
  readonly t: 'hello';
  readonly v: number;
  readonly service: string;
  /** A new session that may be resumed: for how many milliseconds, at most, after a cut. */
  readonly grace?: number;
  /** The session to go on with, and how many frames of the executive have come. */
  readonly session?: string;
  readonly seen?: number;
  /** The client wants to be asked before the executive leaves. */
  readonly leave?: boolean;
  /** The format of bundles that the client can read and write (bundle.ts); of a new session. */
  readonly bundle?: number;
}
/** The answer to hello, unless it is goodbye. */
export interface WelcomeFrame {
  readonly t: 'welcome';
  readonly v: number;
  /** Of a session that can be resumed: its secret name, and for how long after a cut, in milliseconds. */
  readonly session?: string;
  readonly grace?: number;
  /** How many frames of the client have come. */
  readonly seen?: number;
  /** The session's frames may be bundles of this format; absent: they may not. */
  readonly bundle?: number;
}
/** How many frames of the other side have come; only in a session that can be resumed. */
export interface AckFrame {
  readonly t: 'ack';
  readonly seen: number;
}
/** `id` counts from 1 and rises by 1. */
export interface RequestFrame {
  readonly t: 'request';
  readonly id: number;
  readonly fn: string;
  readonly arg: unknown;
}
export interface ReplyFrame {
  readonly t: 'reply';
  readonly id: number;
  readonly reply: unknown;
}
export interface CallbackFrame {
  readonly t: 'callback';
  readonly name: string;
  readonly payload: unknown;
  readonly priority: number;
}
/** Client: keep callbacks back (true) or send them again. Replies are not affected. */
export interface HoldFrame {
  readonly t: 'hold';
  readonly on: boolean;
}
/** Executive: may I leave? With `off`: no more, somebody objected. Within so many milliseconds. */
export interface MayLeaveFrame {
  readonly t: 'may-leave';
  readonly id: number;
  readonly within: number;
  readonly off?: boolean;
}
/** Client: the answer; a `veto` is the reason why not. */
export interface LeaveFrame {
  readonly t: 'leave';
  readonly id: number;
  readonly veto?: string;
}
/**
 * The last frame of either side. `rc` is a SaAisErrorT, absent when a client leaves; the executive
 * confirms the leave of a client whose session could be resumed with OK.
 */
export interface GoodbyeFrame {
  readonly t: 'goodbye';
  readonly rc?: number;
  readonly reason?: string;
}
