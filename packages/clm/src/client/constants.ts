/** Numbers of the standard that only the client needs (AIS B.4). */

export const SaClmNodeAddressFamilyT = { SA_CLM_AF_INET: 1, SA_CLM_AF_INET6: 2 } as const;
export type SaClmNodeAddressFamilyT =
  (typeof SaClmNodeAddressFamilyT)[keyof typeof SaClmNodeAddressFamilyT];
export const { SA_CLM_AF_INET, SA_CLM_AF_INET6 } = SaClmNodeAddressFamilyT;

export const SaClmChangeStepT = {
  SA_CLM_CHANGE_VALIDATE: 1,
  SA_CLM_CHANGE_START: 2,
  SA_CLM_CHANGE_ABORTED: 3,
  SA_CLM_CHANGE_COMPLETED: 4,
} as const;
export type SaClmChangeStepT = (typeof SaClmChangeStepT)[keyof typeof SaClmChangeStepT];
export const {
  SA_CLM_CHANGE_VALIDATE,
  SA_CLM_CHANGE_START,
  SA_CLM_CHANGE_ABORTED,
  SA_CLM_CHANGE_COMPLETED,
} = SaClmChangeStepT;

/** What a subscriber answers to VALIDATE and START. */
export const SaClmResponseT = {
  SA_CLM_CALLBACK_RESPONSE_OK: 1,
  SA_CLM_CALLBACK_RESPONSE_REJECTED: 2,
  SA_CLM_CALLBACK_RESPONSE_ERROR: 3,
} as const;
export type SaClmResponseT = (typeof SaClmResponseT)[keyof typeof SaClmResponseT];
export const {
  SA_CLM_CALLBACK_RESPONSE_OK,
  SA_CLM_CALLBACK_RESPONSE_REJECTED,
  SA_CLM_CALLBACK_RESPONSE_ERROR,
} = SaClmResponseT;

export const SaClmAdminStateT = {
  SA_CLM_ADMIN_UNLOCKED: 1,
  SA_CLM_ADMIN_LOCKED: 2,
  SA_CLM_ADMIN_SHUTTING_DOWN: 3,
} as const;
export type SaClmAdminStateT = (typeof SaClmAdminStateT)[keyof typeof SaClmAdminStateT];
export const { SA_CLM_ADMIN_UNLOCKED, SA_CLM_ADMIN_LOCKED, SA_CLM_ADMIN_SHUTTING_DOWN } =
  SaClmAdminStateT;

export const SaClmAdminOperationIdT = {
  SA_CLM_ADMIN_UNLOCK: 1,
  SA_CLM_ADMIN_LOCK: 2,
  SA_CLM_ADMIN_SHUTDOWN: 3,
  SA_CLM_ADMIN_RESET: 4,
} as const;
export type SaClmAdminOperationIdT =
  (typeof SaClmAdminOperationIdT)[keyof typeof SaClmAdminOperationIdT];
export const { SA_CLM_ADMIN_UNLOCK, SA_CLM_ADMIN_LOCK, SA_CLM_ADMIN_SHUTDOWN, SA_CLM_ADMIN_RESET } =
  SaClmAdminOperationIdT;
