/** What the quorum client and its executive say to each other. */

export const QUORUM_SERVICE = 'quorum';
/** The callback of `track`; its payload is a {@link QuorumInfo}. */
export const CHANGED = 'changed';
export const VERSION = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 } as const;

/** One member's part. */
export interface QuorumNodeInfo {
  readonly nodeId: number;
  readonly votes: number;
  /** Votes of the whole cluster, as this member has them. */
  readonly expected: number;
  /** `quorate`, `waiting-for-all`. */
  readonly flags: readonly string[];
}

export interface QuorumInfo {
  /** `votequorum`, `ykd`, `none`, or the name of a filter of one's own. */
  readonly provider: string;
  /** Whether this part of the cluster may grant locks and the like. */
  readonly quorate: boolean;
  /** Present, needed and expected votes; 0 for a filter that does not count. */
  readonly votes: number;
  readonly needed: number;
  readonly expected: number;
  /** What is switched on and what is the case: `wait-for-all`, `waiting-for-all`, `two-node`, … */
  readonly flags: readonly string[];
  /** By member, ascending by nodeid; empty for a filter that does not count. */
  readonly nodes: readonly QuorumNodeInfo[];
  /** The executive that answers. */
  readonly nodeId: number;
  /** The ring of the membership, `rep.seq`; null while the ring forms: then the rest is about the last one. */
  readonly ring: string | null;
  /** nodeids of the membership, ascending. */
  readonly members: readonly number[];
}
