/** Exit codes of `aisctl` (numbers of sysexits.h; docs/reference/aisctl.md). */
export const EXIT = {
  ok: 0,
  /** Refused by the executive, or not there; for `quorum`: any failure. */
  failed: 1,
  /** `quorum`: answered, and the answer is no (corosync-quorumtool's number). */
  notQuorate: 2,
  /** The command line is wrong. */
  usage: 64,
  /** Input is more than the cluster takes. */
  data: 65,
  /** No executive answers. */
  unavailable: 69,
  /** Not now: lock not acquired, no time left, executive busy. */
  tryAgain: 75,
  /** The executive does not serve this user. */
  permission: 77,
  /** `lock run`: the command cannot be executed; not found. The shells' numbers. */
  notExecutable: 126,
  notFound: 127,
} as const;

/** What a shell reports for a process that a signal ended. */
export const SIGNAL_BASE = 128;
