/** The order of the roles (ADR 0174). */
import type { LibHandler, Role } from './contract.ts';

const RANK: Readonly<Record<Role, number>> = { reader: 1, user: 2, operator: 3 };

/** Whether who has a role may do what needs another. */
export function mayAct(has: Role, needed: Role): boolean {
  return RANK[has] >= RANK[needed];
}

/** What a call of this handler needs. @param request fits the handler's schema. */
export function roleNeeded(handler: LibHandler<unknown, unknown>, request: unknown): Role {
  const { role = 'user' } = handler;
  return typeof role === 'function' ? role(request) : role;
}

/** Where nobody gives roles: root is the operator. */
export function roleByUid(uid: number): Role {
  return uid === 0 ? 'operator' : 'user';
}
