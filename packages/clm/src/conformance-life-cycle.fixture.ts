/** Rows of the conformance table: the life cycle that all AIS services share (AIS B.0), and NodeGet. */
import { SA_AIS_OK, SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_DISPATCH_ONE } from '@aisexec/ais';
import type { SaClmCallbacksT, SaClmHandleT } from './client/literal-types.ts';
import {
  both,
  FORGED,
  LOCK,
  type Row,
  type World,
  whenStale,
} from './conformance-world.fixture.ts';
import { SA_CLM_LOCAL_NODE_ID } from './protocol.ts';

const SECOND = 1_000_000_000n;

const initialize = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmInitialize', 'saClmInitialize_4', expect, cause, run);
const withVersion =
  (releaseCode: string, major: (generation: number) => number) =>
  async (w: World, generation: 1 | 4) => {
    const version = { releaseCode, majorVersion: major(generation), minorVersion: 7 };
    const { rc } = await w.initialize(generation, {}, { version });
    const { majorVersion, minorVersion } = version;
    const isWritten =
      version.releaseCode === 'B' && majorVersion === generation && minorVersion === 1;
    return isWritten ? rc : `version is ${JSON.stringify(version)}`;
  };

const initializeRows: readonly Row[] = [
  ...initialize(
    'OK',
    'the version it speaks, no callbacks',
    async (w, g) => (await w.initialize(g, null)).rc,
  ),
  ...initialize(
    'OK',
    'another minor version; the argument is overwritten',
    withVersion('B', (g) => g),
  ),
  ...initialize(
    'VERSION',
    'a major version too high; overwritten',
    withVersion('B', (g) => g + 1),
  ),
  ...initialize(
    'VERSION',
    'major version 0; overwritten',
    withVersion('B', () => 0),
  ),
  ...initialize(
    'VERSION',
    'a lower release letter; overwritten',
    withVersion('A', (g) => g),
  ),
  ...initialize(
    'VERSION',
    'a higher release letter; overwritten',
    withVersion('C', (g) => g),
  ),
  ...initialize(
    'INVALID_PARAM',
    'no version',
    async (w, g) => (await w.initialize(g, {}, { version: null })).rc,
  ),
  ...initialize('TRY_AGAIN', 'no executive answers', async (w, g) => {
    const connect = { socket: '/nonexistent/aisexec.sock' };
    return (await w.initialize(g, {}, { connect })).rc;
  }),
  {
    fn: 'saClmInitialize',
    generation: 'B.01',
    expect: 'LIBRARY',
    cause: 'the node is no member',
    run: async (w) => {
      await w.administer(w.home, LOCK);
      return (await w.initialize(1, {})).rc;
    },
  },
  {
    fn: 'saClmInitialize_4',
    generation: 'B.04',
    expect: 'UNAVAILABLE',
    cause: 'the node is no member',
    run: async (w) => {
      await w.administer(w.home, LOCK);
      return (await w.initialize(4, {})).rc;
    },
  },
  ...initialize('OK', 'the node was readmitted', async (w, g) => {
    await w.stale(g);
    return (await w.initialize(g, {})).rc;
  }),
];

const same = (fn: string, expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both(fn, fn, expect, cause, run);
const badHandles = (
  fn: string,
  fn4: string,
  call: (w: World, handle: SaClmHandleT, generation: 1 | 4) => Promise<{ rc: number }>,
): Row[] => [
  ...both(
    fn,
    fn4,
    'BAD_HANDLE',
    'a handle that never was',
    async (w, g) => (await call(w, FORGED, g)).rc as 9,
  ),
  ...both(
    fn,
    fn4,
    'BAD_HANDLE',
    'a finalised handle',
    async (w, g) => (await call(w, await w.finalized(g), g)).rc as 9,
  ),
];

const selectionRows: readonly Row[] = [
  ...same('saClmSelectionObjectGet', 'OK', 'the same object each time', async (w, g) => {
    const handle = await w.open(g);
    const first = await w.sa.saClmSelectionObjectGet(handle);
    const second = await w.sa.saClmSelectionObjectGet(handle);
    const isSame = first.selectionObject === second.selectionObject;
    return isSame && first.selectionObject !== undefined ? second.rc : 'another object';
  }),
  ...badHandles('saClmSelectionObjectGet', 'saClmSelectionObjectGet', (w, handle) =>
    w.sa.saClmSelectionObjectGet(handle),
  ),
  ...whenStale(
    'saClmSelectionObjectGet',
    'saClmSelectionObjectGet',
    async (w, g) => (await w.sa.saClmSelectionObjectGet(await w.stale(g))).rc,
  ),
];

const dispatch = async (w: World, handle: SaClmHandleT, flags: number) =>
  (await w.sa.saClmDispatch(handle, flags)).rc;
const dispatchRows: readonly Row[] = [
  ...same('saClmDispatch', 'OK', 'ONE with nothing queued', async (w, g) =>
    dispatch(w, await w.open(g), SA_DISPATCH_ONE),
  ),
  ...same(
    'saClmDispatch',
    '1 of 2, then the other',
    'ONE, then ALL with two queued',
    async (w, g) => {
      const ran: bigint[] = [];
      const callbacks: SaClmCallbacksT = {
        saClmClusterNodeGetCallback: (invocation) => void ran.push(invocation),
      };
      const handle = await w.open(g, callbacks);
      await w.sa.saClmClusterNodeGetAsync(handle, 1n, w.home);
      await w.sa.saClmClusterNodeGetAsync(handle, 2n, w.other);
      const { selectionObject } = await w.sa.saClmSelectionObjectGet(handle);
      await selectionObject?.ready();
      for (let ticks = 0; ticks < 3; ticks++) await w.tick();
      await dispatch(w, handle, SA_DISPATCH_ONE);
      const first = ran.length;
      await dispatch(w, handle, SA_DISPATCH_ALL);
      return ran.join() === '1,2' ? `${first} of 2, then the other` : `${first}: ${ran}`;
    },
  ),
  ...same('saClmDispatch', 'OK', 'BLOCKING, finalised meanwhile', async (w, g) => {
    const handle = await w.open(g);
    const serving = dispatch(w, handle, SA_DISPATCH_BLOCKING);
    await w.tick();
    await w.sa.saClmFinalize(handle);
    return serving;
  }),
  ...same('saClmDispatch', 'OK', 'finalised inside a callback', async (w, g) => {
    let finalized = 0;
    const handle = await w.open(g, {
      saClmClusterNodeGetCallback: async () => {
        finalized = (await w.sa.saClmFinalize(handle)).rc;
      },
    } as SaClmCallbacksT);
    await w.sa.saClmClusterNodeGetAsync(handle, 1n, w.home);
    const rc = await dispatch(w, handle, SA_DISPATCH_BLOCKING);
    return finalized === SA_AIS_OK ? rc : `Finalize answered ${finalized}`;
  }),
  ...same('saClmDispatch', 'INVALID_PARAM', 'flags 0', async (w, g) =>
    dispatch(w, await w.open(g), 0),
  ),
  ...same('saClmDispatch', 'INVALID_PARAM', 'unknown flags', async (w, g) =>
    dispatch(w, await w.open(g), 4),
  ),
  ...badHandles('saClmDispatch', 'saClmDispatch', (w, handle) =>
    w.sa.saClmDispatch(handle, SA_DISPATCH_ALL),
  ),
  ...whenStale('saClmDispatch', 'saClmDispatch', async (w, g) =>
    dispatch(w, await w.stale(g), SA_DISPATCH_ALL),
  ),
];

const finalizeRows: readonly Row[] = [
  ...same(
    'saClmFinalize',
    'OK',
    'once',
    async (w, g) => (await w.sa.saClmFinalize(await w.open(g))).rc,
  ),
  ...badHandles('saClmFinalize', 'saClmFinalize', (w, handle) => w.sa.saClmFinalize(handle)),
  ...same(
    'saClmFinalize',
    'LIBRARY',
    'the node was locked and readmitted since',
    async (w, g) => (await w.sa.saClmFinalize(await w.stale(g))).rc,
  ),
];

const nodeGet = async (w: World, generation: 1 | 4, nodeId: number, timeout = SECOND * 60n) => {
  const handle = await w.open(generation);
  return nodeGetWith(w, generation, handle, nodeId, timeout);
};
const nodeGetWith = async (
  w: World,
  generation: number,
  handle: SaClmHandleT,
  nodeId = 1,
  timeout = SECOND * 60n,
) => {
  const { rc, clusterNode } =
    generation === 1
      ? await w.sa.saClmClusterNodeGet(handle, nodeId, timeout)
      : await w.sa.saClmClusterNodeGet_4(handle, nodeId, timeout);
  const wanted = nodeId === SA_CLM_LOCAL_NODE_ID ? w.home : nodeId;
  const isRight = clusterNode?.nodeId === wanted && clusterNode.member === 1;
  return rc === SA_AIS_OK && !isRight ? 'another node' : rc;
};
const nodeGets = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterNodeGet', 'saClmClusterNodeGet_4', expect, cause, run);

const nodeGetRows: readonly Row[] = [
  ...nodeGets('OK', 'the local node by its alias', (w, g) => nodeGet(w, g, SA_CLM_LOCAL_NODE_ID)),
  ...nodeGets('OK', 'another member', (w, g) => nodeGet(w, g, w.other)),
  ...nodeGets('OK', 'a time-out of 0: answered locally', (w, g) => nodeGet(w, g, w.third, 0n)),
  ...nodeGets('OK', 'a time-out of SA_TIME_END', (w, g) =>
    nodeGet(w, g, w.third, 0x7fff_ffff_ffff_ffffn),
  ),
  ...nodeGets('INVALID_PARAM', 'nodeId 0', (w, g) => nodeGet(w, g, 0)),
  ...nodeGets('INVALID_PARAM', 'a negative time-out', (w, g) => nodeGet(w, g, w.other, -1n)),
  ...nodeGets('NOT_EXIST', 'no such node', (w, g) => nodeGet(w, g, 4711)),
  ...nodeGets('NOT_EXIST', 'the node is no member', async (w, g) => {
    await w.administer(w.other, LOCK);
    return nodeGet(w, g, w.other);
  }),
  ...nodeGets('VERSION', 'a handle of the other generation', async (w, g) =>
    nodeGetWith(w, g, await w.open(g === 1 ? 4 : 1)),
  ),
  ...badHandles('saClmClusterNodeGet', 'saClmClusterNodeGet_4', async (w, handle, g) => ({
    rc: (await nodeGetWith(w, g, handle)) as number,
  })),
  ...whenStale('saClmClusterNodeGet', 'saClmClusterNodeGet_4', async (w, g) =>
    nodeGetWith(w, g, await w.stale(g)),
  ),
];

const NODE_GET: SaClmCallbacksT = { saClmClusterNodeGetCallback: () => {} };
/** The code of the call, then what the callback was given. */
const nodeGetAsync = async (w: World, generation: 1 | 4, nodeId: number) => {
  let told = '';
  const handle = await w.open(generation, {
    saClmClusterNodeGetCallback: (invocation, node, error) => {
      told = `callback ${invocation} with ${node === null ? 'no node' : 'the node'}, error ${error}`;
    },
  } as SaClmCallbacksT);
  const { rc } = await w.sa.saClmClusterNodeGetAsync(handle, 77n, nodeId);
  if (rc !== SA_AIS_OK) return rc;
  await w.until(async () => {
    await w.sa.saClmDispatch(handle, SA_DISPATCH_ALL);
    return told !== '';
  });
  return told;
};
const asyncs = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  same('saClmClusterNodeGetAsync', expect, cause, run);

const nodeGetAsyncRows: readonly Row[] = [
  ...asyncs('callback 77 with the node, error 1', 'a member', (w, g) =>
    nodeGetAsync(w, g, w.other),
  ),
  ...asyncs('callback 77 with no node, error 12', 'no such node', (w, g) =>
    nodeGetAsync(w, g, 4711),
  ),
  ...asyncs('INVALID_PARAM', 'nodeId 0', (w, g) => nodeGetAsync(w, g, 0)),
  ...asyncs(
    'INVALID_PARAM',
    'invocation 0',
    async (w, g) => (await w.sa.saClmClusterNodeGetAsync(await w.open(g, NODE_GET), 0n, w.home)).rc,
  ),
  ...asyncs(
    'INIT',
    'no callback at Initialize',
    async (w, g) => (await w.sa.saClmClusterNodeGetAsync(await w.open(g), 1n, w.home)).rc,
  ),
  ...badHandles('saClmClusterNodeGetAsync', 'saClmClusterNodeGetAsync', (w, handle) =>
    w.sa.saClmClusterNodeGetAsync(handle, 1n, w.home),
  ),
  ...whenStale(
    'saClmClusterNodeGetAsync',
    'saClmClusterNodeGetAsync',
    async (w, g) =>
      (await w.sa.saClmClusterNodeGetAsync(await w.stale(g, NODE_GET), 1n, w.home)).rc,
  ),
];

const free = (w: World, generation: 1 | 4, handle: SaClmHandleT, notification: [] | null = []) =>
  generation === 1
    ? w.sa.saClmClusterNotificationFree(handle, notification)
    : w.sa.saClmClusterNotificationFree_4(handle, notification);
const frees = (expect: string, cause: string, run: Parameters<typeof both>[4]) =>
  both('saClmClusterNotificationFree', 'saClmClusterNotificationFree_4', expect, cause, run);

const freeRows: readonly Row[] = [
  ...frees('OK', 'notifications', async (w, g) => (await free(w, g, await w.open(g))).rc),
  ...frees('INVALID_PARAM', 'null', async (w, g) => (await free(w, g, await w.open(g), null)).rc),
  ...frees(
    'VERSION',
    'a handle of the other generation',
    async (w, g) => (await free(w, g, await w.open(g === 1 ? 4 : 1))).rc,
  ),
  ...badHandles('saClmClusterNotificationFree', 'saClmClusterNotificationFree_4', (w, handle, g) =>
    free(w, g, handle),
  ),
  ...whenStale(
    'saClmClusterNotificationFree',
    'saClmClusterNotificationFree_4',
    async (w, g) => (await free(w, g, await w.stale(g))).rc,
  ),
];

export const lifeCycleRows: readonly Row[] = [
  ...initializeRows,
  ...selectionRows,
  ...dispatchRows,
  ...finalizeRows,
  ...nodeGetRows,
  ...nodeGetAsyncRows,
  ...freeRows,
];
