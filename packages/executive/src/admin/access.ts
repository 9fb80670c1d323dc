/** Who may use what: the executive's rules over the credentials that the kernel tells. */
import type { Credentials } from '@aisexec/ipc/server';
import type { IpcConfig } from '../config/config.ts';
import { ADMIN_SERVICE } from './backend.ts';

/**
 * Root and the daemon's own user may do everything. `admin` is for them alone; services are for whoever
 * the allow list names or, without a list, for whoever the permissions of the socket let connect.
 */
export function createAccessRule(
  config: IpcConfig,
  ownUid: number,
): (service: string, credentials: Credentials) => true | string {
  const uids = new Set([0, ownUid, ...config.allowUids]);
  const gids = new Set(config.allowGids);
  const isOpen = config.allowUids.length + config.allowGids.length === 0;
  const isOwnersOnly = (config.mode & 0o077) === 0;
  return (service, { uid, gid }) => {
    if (service === ADMIN_SERVICE) {
      // Where the uid is not known, a socket that only its owner can open says the same.
      const mayAdmin = uid < 0 ? isOwnersOnly : uid === 0 || uid === ownUid;
      return (
        mayAdmin || `the admin channel is for root and the executive's own user, not uid ${uid}`
      );
    }
    if (isOpen || uids.has(uid) || gids.has(gid)) return true;
    return `uid ${uid}, gid ${gid} is not on the allow list (ipc.allow)`;
  };
}
