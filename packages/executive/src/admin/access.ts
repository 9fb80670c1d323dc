/**
 * Who may do what: the executive's rules over the credentials that the kernel tells (ADR 0174). Pure: from a
 * configuration to a function, so that a reload makes another one for whoever connects from then on.
 */
import type { Credentials } from '@aisexec/ipc/server';
import { mayAct, type Role } from '@aisexec/service';
import type { IpcConfig } from '../config/config.ts';

/** The executive's own channel: status and orders (backend.ts). */
export const ADMIN_SERVICE = 'admin';

/** The role of a client for a service; undefined: it may not even connect. */
export type AccessRule = (
  service: string,
  who: Pick<Credentials, 'uid' | 'gid'>,
) => Role | undefined;

/** Whether the configuration names people: then the kernel must tell who connects. */
export function namesPeople({ allowUids, allowGids, access }: IpcConfig): boolean {
  return allowUids.length + allowGids.length + access.length > 0;
}

/**
 * Root and the daemon's own user are operators of everything. Others have the highest role that `ipc.access`
 * gives them for the service; who is on `ipc.allow` is a user of every service. Where neither names anybody, whoever
 * the permissions of the socket let connect is a user. `admin` is given by its name only.
 */
export function createAccessRule(config: IpcConfig, ownUid: number): AccessRule {
  const uids = new Set(config.allowUids);
  const gids = new Set(config.allowGids);
  const isOpen = !namesPeople(config);
  const isOwnersOnly = (config.mode & 0o077) === 0;
  return (service, { uid, gid }) => {
    if (uid >= 0 && (uid === 0 || uid === ownUid)) return 'operator';
    // Where the uid is not known, a socket that only its owner can open says the same.
    if (uid < 0 && isOwnersOnly) return 'operator';
    const isAdmin = service === ADMIN_SERVICE;
    let role: Role | undefined =
      !isAdmin && (isOpen || uids.has(uid) || gids.has(gid)) ? 'user' : undefined;
    for (const grant of config.access) {
      const isFor = grant.services.includes(service) || (!isAdmin && grant.services.includes('*'));
      if (!isFor || !(grant.uids.includes(uid) || grant.gids.includes(gid))) continue;
      if (role === undefined || mayAct(grant.role, role)) role = grant.role;
    }
    return role;
  };
}

/** As the IPC server asks: true, or the refusal's reason for the client and the log. */
export function admission(rule: AccessRule): (service: string, who: Credentials) => true | string {
  return (service, who) => {
    if (rule(service, who) !== undefined) return true;
    const caller = `uid ${who.uid}, gid ${who.gid}`;
    return service === ADMIN_SERVICE
      ? `the admin channel is for root and the executive's own user, not ${caller} (or name them in ipc.access)`
      : `${caller} is not on the allow list (ipc.allow, ipc.access)`;
  };
}
