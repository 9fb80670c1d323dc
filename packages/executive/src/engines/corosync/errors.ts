/** What can be wrong between an executive and the Corosync of its machine, in words that say what to do. */

/** Results of Corosync's libraries (cs_error_t of corotypes.h) that matter here. */
export const CS = {
  ok: 1,
  library: 2,
  version: 3,
  tryAgain: 6,
  access: 11,
  exist: 14,
  security: 100,
} as const;

/**
 * `missing`: koffi or a library is not installed. `unavailable`: Corosync does not run or does not answer.
 * `denied`: it does not let this user in. `occupied`: another process of this node is in the group.
 * `mismatch`: Corosync and the configuration of the executive do not fit.
 */
export type CorosyncProblem = 'missing' | 'unavailable' | 'denied' | 'occupied' | 'mismatch';

/** Why the engine `corosync` cannot start, or cannot go on. The text is for people. */
export class CorosyncError extends Error {
  override readonly name = 'CorosyncError';
  readonly problem: CorosyncProblem;

  constructor(problem: CorosyncProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** What a result other than OK of a function of Corosync's libraries means. */
export function resultError(call: string, result: number): CorosyncError {
  const said = `${call} returned ${result}`;
  if (result === CS.access || result === CS.security) {
    return new CorosyncError(
      'denied',
      `Corosync does not let this user in (${said}): add a file with 'uidgid { uid: ${process.getuid?.() ?? '…'} }' ` +
        'to /etc/corosync/uidgid.d and run corosync-cfgtool -R, or start aisexec as root',
    );
  }
  if (result === CS.version) {
    return new CorosyncError(
      'mismatch',
      `this Corosync speaks another version of its protocol (${said}): Corosync 3 is needed`,
    );
  }
  return new CorosyncError(
    'unavailable',
    `Corosync does not answer on this machine (${said}): start it (systemctl start corosync), ` +
      'or set corosync.retry to wait for it',
  );
}
