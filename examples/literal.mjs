// The same lock in the AIS C API's own words: seven calls, return codes, no exceptions.
import { SA_AIS_OK, SA_DISPATCH_ALL, SA_TIME_ONE_SECOND } from '@aisexec/ais';
import {
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_RESOURCE_CREATE,
  saLckDispatch,
  saLckFinalize,
  saLckInitialize,
  saLckResourceClose,
  saLckResourceLock,
  saLckResourceOpen,
  saLckResourceUnlock,
} from '@aisexec/lck';

const version = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };
const { rc, lckHandle } = await saLckInitialize(null, version);
if (rc !== SA_AIS_OK) throw new Error(`saLckInitialize: ${rc}`);

const opened = await saLckResourceOpen(lckHandle, 'R', SA_LCK_RESOURCE_CREATE, SA_TIME_ONE_SECOND);
const locked = await saLckResourceLock(
  opened.lockResourceHandle,
  SA_LCK_EX_LOCK_MODE,
  0,
  0n,
  SA_TIME_ONE_SECOND,
);
console.log(`granted: ${locked.lockStatus === SA_LCK_LOCK_GRANTED}`);
await saLckResourceUnlock(locked.lockId, SA_TIME_ONE_SECOND);
await saLckResourceClose(opened.lockResourceHandle);
await saLckDispatch(lckHandle, SA_DISPATCH_ALL);
await saLckFinalize(lckHandle);
