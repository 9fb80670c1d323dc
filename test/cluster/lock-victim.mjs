// A process to be killed: `node lock-victim.mjs SOCKET RESOURCE holding|waiting|in-callback`. Prints `ready` when it
// has got into that state, and stays there.
import {
  SA_LCK_EX_LOCK_MODE,
  saLckDispatch,
  saLckInitialize,
  saLckResourceLock,
  saLckResourceLockAsync,
  saLckResourceOpen,
} from '@aisexec/lck';

const SA_TIME_END = 2n ** 63n - 1n;
const BLOCKING = 3;
const [, , socket, resource, state] = process.argv;
const callbacks = {
  saLckLockGrantCallback() {
    console.log('ready');
    return new Promise(() => {});
  },
};
const version = { releaseCode: 'B', majorVersion: 3, minorVersion: 1 };
const { lckHandle } = await saLckInitialize(callbacks, version, { socket });
const open = () => saLckResourceOpen(lckHandle, resource, 0, SA_TIME_END);
const { lockResourceHandle } = await open();
if (state === 'holding') {
  await saLckResourceLock(lockResourceHandle, SA_LCK_EX_LOCK_MODE, 0, 0n, SA_TIME_END);
  console.log('ready');
} else {
  await saLckResourceLockAsync(lockResourceHandle, 1n, SA_LCK_EX_LOCK_MODE, 0, 0n);
  // Replies keep the order of the requests: after this one, the lock request stands in the queue.
  await open();
  if (state === 'waiting') console.log('ready');
  else await saLckDispatch(lckHandle, BLOCKING);
}
