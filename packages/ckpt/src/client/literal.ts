/**
 * The literal AIS layer: every function of AIS CKPT under its own name, with its result codes, over the
 * same requests as the idiomatic layer. AIS conditions are result codes; only a wrong JavaScript type
 * throws, a TypeError. Functions on sections and their data are in `literal-sections.ts`.
 */
import {
  isSaName,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_OK,
  type SaAisErrorT,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import {
  expect64,
  expectCallbacks,
  expectCount,
  expectName,
  expectTime,
  openHandle,
  type Reply,
  withinTimeout,
} from '@aisexec/ipc';
import { checkOpen } from '../attributes.ts';
import {
  CKPT_SERVICE_NAME,
  CKPT_VERSIONS,
  type OrderedRequests,
  type SaCkptCheckpointDescriptorT,
} from '../protocol.ts';
import { expectAttributes } from './arguments.ts';
import { type CkptHandle, type CkptOpen, CkptTables } from './handles.ts';
import { createSectionFunctions } from './literal-sections.ts';
import type { SaCkpt, SaCkptCheckpointHandleT } from './literal-types.ts';
import { releaseOpen } from './requests.ts';

type OpenRequest = Omit<OrderedRequests['open'], 'handle'>;

/** Makes one set of the AIS functions with handle tables of its own. */
export function createSaCkpt(): SaCkpt {
  const tables = new CkptTables();

  const requestOpen = (handle: CkptHandle, request: OpenRequest) => {
    const open = tables.addOpen(handle);
    const reply = handle.ask('open', { ...request, handle: open.id }).then((answer) => {
      if (answer.rc !== SA_AIS_OK) tables.forgetOpen(open);
      return answer;
    });
    return { open, reply };
  };

  return {
    ...createSectionFunctions(tables),

    async saCkptInitialize(ckptCallbacks, version, connect) {
      const callbacks = expectCallbacks(ckptCallbacks);
      const opened = await openHandle({
        ...{ service: CKPT_SERVICE_NAME, supported: CKPT_VERSIONS, membersOnly: true },
        ...{ version, connect },
      });
      if (opened.handle === undefined) return { rc: opened.rc };
      return { rc: SA_AIS_OK, ckptHandle: tables.addHandle(opened.handle, callbacks) };
    },

    async saCkptSelectionObjectGet(ckptHandle) {
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const rc = handle.ais.standing;
      return rc === SA_AIS_OK ? { rc, selectionObject: handle.ais.selectionObject() } : { rc };
    },

    async saCkptDispatch(ckptHandle, dispatchFlags) {
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return { rc: await handle.ais.dispatch(dispatchFlags as SaDispatchFlagsT) };
    },

    async saCkptFinalize(ckptHandle) {
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      tables.forgetHandle(ckptHandle);
      return { rc: await handle.ais.finalize() };
    },

    async saCkptCheckpointOpen(ckptHandle, checkpointName, attributes, flags, timeout) {
      const { request, rc } = openRequest(checkpointName, attributes, flags);
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      expectTime('timeout', timeout);
      if (request === undefined) return { rc };
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      const { open, reply } = requestOpen(handle, request);
      const answer = await withinTimeout(reply, timeout);
      if (answer.rc === SA_AIS_OK) return { rc: SA_AIS_OK, checkpointHandle: open.id };
      if (answer.rc === SA_AIS_ERR_TIMEOUT) {
        // Standard: undefined. Here: as if never opened, also when it is opened a little later.
        tables.forgetOpen(open);
        releaseOpen(handle.ais, open.id);
      }
      return { rc: answer.rc };
    },

    async saCkptCheckpointOpenAsync(ckptHandle, invocation, checkpointName, attributes, flags) {
      expect64('invocation', invocation);
      const { request, rc } = openRequest(checkpointName, attributes, flags);
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      if (request === undefined) return { rc };
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const callback = handle.callbacks.saCkptCheckpointOpenCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      if (handle.ais.standing !== SA_AIS_OK) return { rc: handle.ais.standing };
      const { open, reply } = requestOpen(handle, request);
      reply.then((answer) => {
        const ok = answer.rc === SA_AIS_OK;
        const id = ok ? open.id : (0n as SaCkptCheckpointHandleT);
        const run = () => callback(invocation, id, answer.rc);
        handle.ais.enqueue({ priority: 0, owner: open, run });
      });
      return { rc: SA_AIS_OK };
    },

    async saCkptCheckpointClose(checkpointHandle) {
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const { rc } = await open.ask('close', { handle: open.id });
      if (rc === SA_AIS_OK || rc === SA_AIS_ERR_BAD_HANDLE) tables.forgetOpen(open);
      return { rc };
    },

    async saCkptCheckpointUnlink(ckptHandle, checkpointName) {
      const name = expectName('checkpointName', checkpointName);
      const handle = tables.handles.get(expect64('ckptHandle', ckptHandle));
      if (name === null || !isSaName(name)) return { rc: SA_AIS_ERR_INVALID_PARAM };
      if (handle === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return rcOf(await handle.ask('unlink', { name }));
    },

    async saCkptCheckpointRetentionDurationSet(checkpointHandle, duration) {
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      const retentionDuration = expectTime('retentionDuration', duration);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return rcOf(await open.ask('retentionDurationSet', { handle: open.id, retentionDuration }));
    },

    async saCkptActiveReplicaSet(checkpointHandle) {
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      return rcOf(await open.ask('activeReplicaSet', { handle: open.id }));
    },

    async saCkptCheckpointStatusGet(checkpointHandle) {
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const reply = await open.ask('status', { handle: open.id });
      if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
      const checkpointStatus = reply['checkpointStatus'] as SaCkptCheckpointDescriptorT;
      return { rc: SA_AIS_OK, checkpointStatus };
    },

    async saCkptCheckpointSynchronize(checkpointHandle, timeout) {
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      expectTime('timeout', timeout);
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      if (timeout <= 0n) return { rc: SA_AIS_ERR_TIMEOUT };
      return rcOf(await withinTimeout(open.ask('synchronize', { handle: open.id }), timeout));
    },

    async saCkptCheckpointSynchronizeAsync(checkpointHandle, invocation) {
      expect64('invocation', invocation);
      const open = tables.opens.get(expect64('checkpointHandle', checkpointHandle));
      if (open === undefined) return { rc: SA_AIS_ERR_BAD_HANDLE };
      const callback = open.handle.callbacks.saCkptCheckpointSynchronizeCallback;
      if (!callback) return { rc: SA_AIS_ERR_INIT };
      return synchronizeAsync(open, (error) => callback(invocation, error));
    },
  };
}

/**
 * Rights and mode are answered at once, as parameter errors are (AIS B.0 "Async"); they are known by the
 * executive alone, so this waits for its answer and queues the callback only when that is OK.
 */
async function synchronizeAsync(
  open: CkptOpen,
  callback: (error: SaAisErrorT) => void | Promise<void>,
): Promise<{ readonly rc: SaAisErrorT }> {
  const { rc } = await open.ask('synchronize', { handle: open.id });
  if (rc === SA_AIS_OK && !open.closed) {
    open.handle.ais.enqueue({ priority: 0, owner: open, run: () => callback(rc) });
  }
  return { rc };
}

function openRequest(
  name: string | null | undefined,
  attributes: unknown,
  flags: number,
): { readonly request?: OpenRequest; readonly rc: SaAisErrorT } {
  const checkpointName = expectName('checkpointName', name);
  const given = expectAttributes(attributes);
  const openFlags = expectCount('checkpointOpenFlags', flags);
  if (checkpointName === null) return { rc: SA_AIS_ERR_INVALID_PARAM };
  const request = { name: checkpointName, attributes: given, openFlags };
  const rc = checkOpen({ ...request, handle: 0n });
  return rc === SA_AIS_OK ? { request, rc } : { rc };
}

/** Nothing of a reply but its code: what else an executive may say is not of the standard. */
function rcOf(reply: Reply | { readonly rc: SaAisErrorT }): { readonly rc: SaAisErrorT } {
  return { rc: reply.rc };
}
