/** The AIS functions of this process under their own names, as C has them. */
import { createSaLck } from './literal.ts';

export const {
  saLckInitialize,
  saLckSelectionObjectGet,
  saLckOptionCheck,
  saLckDispatch,
  saLckFinalize,
  saLckResourceOpen,
  saLckResourceOpenAsync,
  saLckResourceClose,
  saLckResourceLock,
  saLckResourceLockAsync,
  saLckResourceUnlock,
  saLckResourceUnlockAsync,
  saLckLockPurge,
  saLckLimitGet,
} = createSaLck();
