/**
 * The literal AIS layer: every function of AIS LCK under its own name, with its result codes, over the
 * same requests as the idiomatic layer. AIS conditions are result codes; only a wrong JavaScript type
 * throws, a TypeError.
 */
import {
  isSaName,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  type SaAisErrorT,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import {
  bigintOf,
  expect64,
  expectCallbacks,
  expectName,
  expectNumber,
  expectTime,
  openHandle,
  type Reply,
  withinTimeout,
} from '@aisexec/ipc';
import {
  LCK_SERVICE_NAME,
  LCK_VERSIONS,
  type LockRequest,
  type OpenRequest,
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_MORE,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_MAX_NUM_LOCKS_ID,
  SA_LCK_PR_LOCK_MODE,
  SA_LCK_RESOURCE_CREATE,
  type SaLckLockModeT,
  type SaLckLockStatusT,
} from '../protocol.ts';
import { releaseLock, releaseOpen, statusOf } from './calls.ts';
import { type LckHandle, type LckOpen, LckTables } from './handles.ts';
import { onEvent } from './literal-events.ts';
import type {
  ResourceLockResult,
  SaLck,
  SaLckLockIdT,
  SaLckResourceHandleT,
} from './literal-types.ts';

/** Makes one set of the AIS functions with handle tables of its own. */
export function createSaLck(): SaLck {
  const tables = new LckTables();

  const checkLock = (open: LckOpen, mode: number, flags: number): SaAisErrorT => {
    if (mode !== SA_LCK_PR_LOCK_MODE && mode !== SA_LCK_EX_LOCK_MODE) {
      return SA_AIS_ERR_INVALID_PARAM;
    }
    return hasOnly(flags, SA_LCK_LOCK_NO_QUEUE | SA_LCK_LOCK_ORPHAN)
      ? open.handle.ais.standing
      : SA_AIS_ERR_BAD_FLAGS;
  };
  /** Why a lock id is unknown: AIS B.1 gives two codes. */
  const noSuchLock = (id: SaLckLockIdT): SaAisErrorT =>
    tables.wasFinalized(id) ? SA_AIS_ERR_BAD_HANDLE : SA_AIS_ERR_NOT_EXIST;

  const requestOpen = async (
    handle: LckHandle,
    name: string,
    flags: number,
  ): Promise<{ id: SaLckResourceHandleT; reply: Promise<Reply> }> => {
    const id = tables.addOpen(handle);
    const request: OpenRequest = {
      handle: id,
      name,
      create: (flags & SA_LCK_RESOURCE_CREATE) !== 0,
      notify: typeof handle.callbacks.saLckLockWaiterCallback === 'function',
    };
    const reply = handle.ais.request('open', request).then((answer) => {
      if (answer.rc !== SA_AIS_OK) tables.forgetOpen(id);
      return answer;
    });
    return { id, reply };
  };

  const requestLock = (
    open: LckOpen,
    request: Omit<LockRequest, 'lockId' | 'detect'>,
  ): { lockId: SaLckLockIdT; result: Promise<ResourceLockResult> } => {
    const lockId = tables.addLock(open);
    const pending = open.handle.ais.request('lock', { ...request, lockId, detect: true });
    const result = pending.then((reply) => {
      const outcome = lockResult(open, lockId, reply);
      if (outcome.lockStatus !== SA_LCK_LOCK_GRANTED) tables.forgetLock(lockId);
      return outcome;
    });
    return { lockId, result };
  };

  const requestUnlock = async (open: LckOpen, lockId: SaLckLockIdT): Promise<Reply> => {
    const reply = await open.handle.ais.request('unlock', { lockId });
    if (reply.rc === SA_AIS_OK || reply.rc === SA_AIS_ERR_NOT_EXIST) tables.forgetLock(lockId);
    return reply;
  };

  return {
    async saLckInitialize(lckCallbacks, version, connect) {
      const callbacks = expectCallbacks(lckCallbacks);
      let handle: LckHandle | undefined;
      const opened = await openHandle({
        service: LCK_SERVICE_NAME,
        supported: LCK_VERSIONS,
        membersOnly: true,
        version,
        connect,
        onEvent: (event) => {
          if (handle !== undefined) onEvent(tables, handle, event);
        },
      });
      if (opened.handle === undefined) return { rc: opened.rc };
      handle = { ais: opened.handle, callbacks, opens: new Set(), waitersQueued: 0 };
      return { rc: SA_AIS_OK, lckHandle: tables.handles.add(handle) };
    },

    async saLckSelectionObjectGet(lckHandle) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = handle.ais.standing;
      return rc === SA_AIS_OK ? { rc, selectionObject: handle.ais.selectionObject() } : { rc };
    },

    async saLckOptionCheck(lckHandle) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const reply = await handle.ais.request('options', null);
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, lckOptions: Number(reply['lckOptions']) };
    },

    async saLckDispatch(lckHandle, dispatchFlags) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.ais.dispatch(dispatchFlags as SaDispatchFlagsT) };
    },

    async saLckFinalize(lckHandle) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      tables.forgetHandle(lckHandle);
      return { rc: await handle.ais.finalize() };
    },

    async saLckResourceOpen(lckHandle, lockResourceName, resourceFlags, timeout) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      expectTime('timeout', timeout);
      const rc = checkOpen(handle, lockResourceName, resourceFlags);
      if (handle === undefined || rc !== SA_AIS_OK) return { rc };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      const { id, reply } = await requestOpen(handle, String(lockResourceName), resourceFlags);
      const answer = await withinTimeout(reply, timeout);
      if (answer.rc === SA_AIS_OK) return { rc: SA_AIS_OK, lockResourceHandle: id };
      if (answer.rc === SA_AIS_ERR_TIMEOUT) {
        tables.forgetOpen(id);
        releaseOpen(handle.ais, id);
      }
      return { rc: answer.rc };
    },

    async saLckResourceOpenAsync(lckHandle, invocation, lockResourceName, resourceFlags) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      expect64('invocation', invocation);
      const rc = checkOpen(handle, lockResourceName, resourceFlags);
      if (handle === undefined || rc !== SA_AIS_OK) return { rc };
      const callback = handle.callbacks.saLckResourceOpenCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      const { id, reply } = await requestOpen(handle, String(lockResourceName), resourceFlags);
      reply.then((answer) => {
        const opened = answer.rc === SA_AIS_OK ? id : (0n as SaLckResourceHandleT);
        handle.ais.enqueue({ priority: 0, run: () => callback(invocation, opened, answer.rc) });
      });
      return { rc: SA_AIS_OK };
    },

    async saLckResourceClose(lockResourceHandle) {
      const open = tables.opens.get(expect64('lockResourceHandle', lockResourceHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await open.handle.ais.request('close', { handle: lockResourceHandle });
      if (rc === SA_AIS_OK || rc === SA_AIS_ERR_BAD_HANDLE) tables.forgetOpen(lockResourceHandle);
      return { rc };
    },

    async saLckResourceLock(lockResourceHandle, lockMode, lockFlags, waiterSignal, timeout, out) {
      const open = tables.opens.get(expect64('lockResourceHandle', lockResourceHandle));
      expect64('waiterSignal', waiterSignal);
      expectTime('timeout', timeout);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = checkLock(open, lockMode, lockFlags);
      if (rc !== SA_AIS_OK) return { rc };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      const request = lockRequest(lockResourceHandle, lockMode, lockFlags, waiterSignal);
      const { lockId, result } = requestLock(open, request);
      if (out !== undefined) out.lockId = lockId;
      const answer = await withinTimeout<ResourceLockResult>(result, timeout);
      if (answer.rc === SA_AIS_ERR_TIMEOUT) {
        tables.forgetLock(lockId);
        releaseLock(open.handle.ais, lockId);
      }
      return { ...answer, lockId };
    },

    async saLckResourceLockAsync(
      lockResourceHandle,
      invocation,
      lockMode,
      lockFlags,
      waiterSignal,
    ) {
      const open = tables.opens.get(expect64('lockResourceHandle', lockResourceHandle));
      expect64('invocation', invocation);
      expect64('waiterSignal', waiterSignal);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = checkLock(open, lockMode, lockFlags);
      if (rc !== SA_AIS_OK) return { rc };
      const callback = open.handle.callbacks.saLckLockGrantCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      const request = lockRequest(lockResourceHandle, lockMode, lockFlags, waiterSignal);
      const { lockId, result } = requestLock(open, request);
      result.then(({ rc: error, lockStatus, fencingToken = 0n }) => {
        if (open.closed) return;
        const run = () => callback(invocation, lockStatus ?? 0, error, fencingToken);
        open.handle.ais.enqueue({ priority: 0, owner: open, run });
      });
      return { rc: SA_AIS_OK, lockId };
    },

    async saLckResourceUnlock(lockId, timeout) {
      const open = tables.locks.get(expect64('lockId', lockId));
      expectTime('timeout', timeout);
      if (open === undefined) return { rc: noSuchLock(lockId) };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      const { rc } = await withinTimeout(requestUnlock(open, lockId), timeout);
      return { rc };
    },

    async saLckResourceUnlockAsync(invocation, lockId) {
      const open = tables.locks.get(expect64('lockId', lockId));
      expect64('invocation', invocation);
      if (open === undefined) return { rc: noSuchLock(lockId) };
      const rc = open.handle.ais.standing;
      if (rc !== SA_AIS_OK) return { rc };
      const callback = open.handle.callbacks.saLckResourceUnlockCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      requestUnlock(open, lockId).then(({ rc: error }) => {
        if (open.closed) return;
        const run = () => callback(invocation, error);
        open.handle.ais.enqueue({ priority: 0, owner: open, run });
      });
      return { rc: SA_AIS_OK };
    },

    async saLckLockPurge(lockResourceHandle) {
      const open = tables.opens.get(expect64('lockResourceHandle', lockResourceHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await open.handle.ais.request('purge', { handle: lockResourceHandle });
      return { rc };
    },

    async saLckLimitGet(lckHandle, limitId) {
      const handle = tables.handles.get(expect64('lckHandle', lckHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (handle.ais.version.majorVersion < 3) return { rc: SA_AIS_ERR_VERSION };
      if (limitId !== SA_LCK_MAX_NUM_LOCKS_ID) return { rc: SA_AIS_ERR_INVALID_PARAM };
      const reply = await handle.ais.request('limits', null);
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      return { rc: SA_AIS_OK, limitValue: bigintOf(reply['maxNumLocks']) };
    },
  };
}

function lockRequest(
  handle: bigint,
  mode: SaLckLockModeT,
  flags: number,
  waiterSignal: bigint,
): Omit<LockRequest, 'lockId' | 'detect'> {
  return { handle, mode, flags: flags as 0 | 1 | 2 | 3, waiterSignal };
}

/** What became of a request, in the words of the handle's generation (AIS B.1 rule 11). */
function lockResult(open: LckOpen, lockId: SaLckLockIdT, reply: Reply): ResourceLockResult {
  if (reply.rc === SA_AIS_ERR_NO_RESOURCES && open.handle.ais.version.majorVersion < 3) {
    return { rc: SA_AIS_OK, lockId, lockStatus: SA_LCK_LOCK_NO_MORE };
  }
  const lockStatus = statusOf<SaLckLockStatusT>(reply['lockStatus']);
  if (reply.rc !== SA_AIS_OK || lockStatus === 0) return { rc: reply.rc, lockId };
  const granted = lockStatus === SA_LCK_LOCK_GRANTED;
  const token = granted ? { fencingToken: bigintOf(reply['fencingToken']) } : {};
  return { rc: SA_AIS_OK, lockId, lockStatus, ...token };
}

function checkOpen(handle: LckHandle | undefined, given: unknown, flags: number): SaAisErrorT {
  if (handle === undefined) return SA_AIS_ERR_BAD_HANDLE;
  const name = expectName('lockResourceName', given);
  if (name === null) return SA_AIS_ERR_INVALID_PARAM;
  if (!isSaName(name)) return SA_AIS_ERR_INVALID_PARAM;
  return hasOnly(flags, SA_LCK_RESOURCE_CREATE) ? handle.ais.standing : SA_AIS_ERR_BAD_FLAGS;
}

function hasOnly(flags: number, known: number): boolean {
  expectNumber('flags', flags);
  return Number.isInteger(flags) && (flags & ~known) === 0 && flags <= known;
}
