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
