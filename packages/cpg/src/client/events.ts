/** What happens in a group, in the one order that all its members see. */
import type { CpgChange, CpgProcess } from '../protocol.ts';

export interface GroupMessage {
  readonly type: 'message';
  readonly from: CpgProcess;
  readonly bytes: Uint8Array;
}

export interface GroupMembers {
  readonly type: 'members';
  readonly members: readonly CpgProcess[];
  readonly joined: readonly CpgChange[];
  readonly left: readonly CpgChange[];
}

/** A ring of nodes was formed; after the change of members that comes with it. */
export interface GroupRing {
  readonly type: 'ring';
  readonly ringId: { readonly rep: number; readonly seq: number };
  /** nodeids, ascending. */
  readonly nodes: readonly number[];
}

export type GroupEvent = GroupMessage | GroupMembers | GroupRing;
