/**
 * What the two halves say to each other (docs/reference/ipc.md). A frame body is a msgpack map with the
 * kind in `t`. Unknown keys are ignored, so that a later version may add some (resumption of a cut
 * session: a session id in hello and welcome; request ids and the order of callbacks are there already).
 */

/** Version of this protocol; a client names it in hello, a server refuses what it does not speak. */
export const IPC_VERSION = 1;

/** The first frame of a client. */
export interface HelloFrame {
  readonly t: 'hello';
  readonly v: number;
  readonly service: string;
}
/** The answer to hello, unless it is goodbye. */
export interface WelcomeFrame {
  readonly t: 'welcome';
  readonly v: number;
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
/** The last frame of either side. `rc` is a SaAisErrorT, absent when a client leaves. */
export interface GoodbyeFrame {
  readonly t: 'goodbye';
  readonly rc?: number;
  readonly reason?: string;
}
