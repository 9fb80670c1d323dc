import {
  SA_TRACK_CHANGES as CHANGES,
  SA_TRACK_CURRENT as CURRENT,
  SA_TRACK_LOCAL as LOCAL,
  SA_TRACK_CHANGES_ONLY as ONLY,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  SA_TIME_ONE_SECOND,
  type SaVersionT,
  SA_TRACK_START_STEP as START,
  SA_TRACK_VALIDATE_STEP as VALIDATE,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createClientCluster } from '../cluster.fixture.ts';
import { SA_CLM_LOCAL_NODE_ID } from '../protocol.ts';
import { createSaClm } from './literal.ts';
import type {
  SaClmCallbacksT,
  SaClmCallbacksT_4,
  SaClmClusterNotificationBufferT,
  SaClmHandleT,
} from './literal-types.ts';

const LABELS = ['', '', '+', '-', '~'];
const tick = () => new Promise((resolve) => setImmediate(resolve));
const b01 = (): SaVersionT => ({ releaseCode: 'B', majorVersion: 1, minorVersion: 1 });
const b04 = (): SaVersionT => ({ releaseCode: 'B', majorVersion: 4, minorVersion: 1 });
const noBuffer = (): SaClmClusterNotificationBufferT => ({
  viewNumber: 0n,
  numberOfItems: 0,
  notification: null,
});

function text(buffer: SaClmClusterNotificationBufferT): string {
  return (buffer.notification ?? [])
    .map(({ clusterNode, clusterChange }) => `${clusterNode.nodeId}${LABELS[clusterChange]}`)
    .join(' ');
}

/** A cluster, the functions, and a handle of each generation at node 1 that logs its callbacks. */
async function setUp(nodes = 3) {
  const { cluster, connector, drop } = createClientCluster(nodes);
  const sa = createSaClm();
  const log: string[] = [];
  const connect = { connector: connector(1) };
  const callbacks: SaClmCallbacksT = {
    saClmClusterTrackCallback: (buffer, members, error) =>
      void log.push(`track ${text(buffer)} of ${members} rc ${error}`),
    saClmClusterNodeGetCallback: (invocation, node, error) =>
      void log.push(`node ${invocation} ${node?.nodeName} rc ${error}`),
  };
  const steps: unknown[][] = [];
  const callbacks4: SaClmCallbacksT_4 = {
    saClmClusterTrackCallback: (...args) => void steps.push(args),
  };
  const one = await sa.saClmInitialize(callbacks, b01(), connect);
  const four = await sa.saClmInitialize_4(callbacks4, b04(), connect);
  const bare = await sa.saClmInitialize(null, b01(), connect);
  expect([one.rc, four.rc, bare.rc]).toEqual([SA_AIS_OK, SA_AIS_OK, SA_AIS_OK]);
  return {
    cluster,
    connector,
    drop,
    sa,
    log,
    steps,
    one: one.clmHandle as SaClmHandleT,
    four: four.clmHandle as SaClmHandleT,
    bare: bare.clmHandle as SaClmHandleT,
  };
}

describe('saClmInitialize', () => {
  test.each([
    ['saClmInitialize', 'B', 1, SA_AIS_OK, 1],
    ['saClmInitialize', 'B', 4, SA_AIS_ERR_VERSION, 1],
    ['saClmInitialize', 'A', 1, SA_AIS_ERR_VERSION, 1],
    ['saClmInitialize', 'B', 0, SA_AIS_ERR_VERSION, 1],
    ['saClmInitialize_4', 'B', 4, SA_AIS_OK, 4],
    ['saClmInitialize_4', 'B', 1, SA_AIS_OK, 4],
    ['saClmInitialize_4', 'B', 5, SA_AIS_ERR_VERSION, 4],
  ] as const)(
    '%s with %s.%i answers %i and writes B.%i back',
    async (fn, releaseCode, major, rc, written) => {
      const { connector } = createClientCluster(1);
      const version: SaVersionT = { releaseCode, majorVersion: major, minorVersion: 9 };
      const answer = await createSaClm()[fn]({}, version, { connector: connector(1) });
      expect(answer.rc).toBe(rc);
      expect(answer.clmHandle === undefined).toBe(rc !== SA_AIS_OK);
      expect(version).toEqual({ releaseCode: 'B', majorVersion: written, minorVersion: 1 });
    },
  );

  test('without a version is INVALID_PARAM, with a wrong type a TypeError', async () => {
    const sa = createSaClm();
    expect(await sa.saClmInitialize(null, null)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    const wrong = { saClmClusterTrackCallback: 1 } as unknown as SaClmCallbacksT;
    await expect(sa.saClmInitialize(wrong, b01())).rejects.toThrow(TypeError);
  });
});

describe('saClmClusterTrack: result codes', () => {
  test.each([
    ['no flag at all', 0, SA_AIS_ERR_BAD_FLAGS],
    ['LOCAL alone', LOCAL, SA_AIS_ERR_BAD_FLAGS],
    ['both CHANGES and CHANGES_ONLY', CHANGES | ONLY, SA_AIS_ERR_BAD_FLAGS],
    ['an unknown bit', CURRENT | 0x40, SA_AIS_ERR_BAD_FLAGS],
    ['a bit above 32', CURRENT + 2 ** 32, SA_AIS_ERR_BAD_FLAGS],
    ['a negative number', -1, SA_AIS_ERR_BAD_FLAGS],
    ['a step on a B.01 handle', CHANGES | START, SA_AIS_ERR_BAD_FLAGS],
    ['CURRENT', CURRENT, SA_AIS_OK],
    ['CURRENT and CHANGES', CURRENT | CHANGES, SA_AIS_OK],
    ['CHANGES_ONLY and LOCAL', ONLY | LOCAL, SA_AIS_OK],
  ])('%s', async (_name, flags, rc) => {
    const { sa, one } = await setUp(1);
    expect(await sa.saClmClusterTrack(one, flags, null)).toEqual({ rc });
  });

  test.each([
    ['steps without changes', CURRENT | VALIDATE, SA_AIS_ERR_BAD_FLAGS],
    ['steps with changes', CHANGES | START | VALIDATE, SA_AIS_OK],
    ['CHANGES', CHANGES, SA_AIS_OK],
  ])('B.04: %s', async (_name, flags, rc) => {
    const { sa, four } = await setUp(1);
    expect(await sa.saClmClusterTrack_4(four, flags, null)).toEqual({ rc });
  });

  test.each([
    ['CURRENT without a buffer', CURRENT, null, SA_AIS_ERR_INIT],
    ['CHANGES', CHANGES, null, SA_AIS_ERR_INIT],
    ['CURRENT and CHANGES into a buffer', CURRENT | CHANGES, noBuffer(), SA_AIS_ERR_INIT],
    ['CURRENT into a buffer', CURRENT, noBuffer(), SA_AIS_OK],
  ])('without a callback, %s', async (_name, flags, buffer, rc) => {
    const { sa, bare } = await setUp(1);
    expect(await sa.saClmClusterTrack(bare, flags, buffer)).toEqual({ rc });
  });

  test('an array of no items is INVALID_PARAM, a too small one NO_SPACE with the number that is needed', async () => {
    const { sa, one } = await setUp(3);
    const buffer: SaClmClusterNotificationBufferT = { ...noBuffer(), notification: [] };
    expect(await sa.saClmClusterTrack(one, CURRENT, buffer)).toEqual({
      rc: SA_AIS_ERR_INVALID_PARAM,
    });
    buffer.numberOfItems = 2;
    expect(await sa.saClmClusterTrack(one, CURRENT | CHANGES, buffer)).toEqual({
      rc: SA_AIS_ERR_NO_SPACE,
    });
    expect(buffer.numberOfItems).toBe(3);
    expect(await sa.saClmClusterTrackStop(one)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    expect(await sa.saClmClusterTrack(one, CURRENT, buffer)).toEqual({ rc: SA_AIS_OK });
    expect(text(buffer)).toBe('1 2 3');
  });

  test('a handle of the other generation is VERSION, an unknown one BAD_HANDLE', async () => {
    const { sa, one, four } = await setUp(1);
    const stale = 77n as SaClmHandleT;
    expect([
      (await sa.saClmClusterTrack(four, CURRENT, null)).rc,
      (await sa.saClmClusterTrack_4(one, CURRENT, null)).rc,
      (await sa.saClmClusterNodeGet(four, 1, 0n)).rc,
      (await sa.saClmClusterNodeGet_4(one, 1, 0n)).rc,
      (await sa.saClmClusterNotificationFree(four, [])).rc,
      (await sa.saClmClusterNotificationFree_4(one, [])).rc,
    ]).toEqual(Array(6).fill(SA_AIS_ERR_VERSION));
    expect([
      (await sa.saClmClusterTrack(stale, CURRENT, null)).rc,
      (await sa.saClmClusterTrackStop(stale)).rc,
      (await sa.saClmClusterNodeGet(stale, 1, 0n)).rc,
      (await sa.saClmClusterNodeGetAsync(stale, 1n, 1)).rc,
      (await sa.saClmClusterNotificationFree(stale, [])).rc,
      (await sa.saClmDispatch(stale, SA_DISPATCH_ALL)).rc,
      (await sa.saClmSelectionObjectGet(stale)).rc,
      (await sa.saClmFinalize(stale)).rc,
    ]).toEqual(Array(8).fill(SA_AIS_ERR_BAD_HANDLE));
    await expect(sa.saClmFinalize(1 as unknown as SaClmHandleT)).rejects.toThrow(TypeError);
  });
});

describe('saClmClusterNodeGet', () => {
  test.each([
    ['nodeId 0', 0, SA_TIME_ONE_SECOND, SA_AIS_ERR_INVALID_PARAM],
    ['a negative time-out', 1, -1n, SA_AIS_ERR_INVALID_PARAM],
    ['an unknown node', 9, SA_TIME_ONE_SECOND, SA_AIS_ERR_NOT_EXIST],
    ['a member, with time-out 0', 2, 0n, SA_AIS_OK],
    ['the local node', SA_CLM_LOCAL_NODE_ID, SA_TIME_ONE_SECOND, SA_AIS_OK],
  ])('%s', async (_name, nodeId, timeout, rc) => {
    const { sa, one, four } = await setUp(2);
    const answer = await sa.saClmClusterNodeGet(one, nodeId, timeout);
    expect(answer.rc).toBe(rc);
    expect((await sa.saClmClusterNodeGet_4(four, nodeId, timeout)).rc).toBe(rc);
    if (rc === SA_AIS_OK) {
      const id = nodeId === 2 ? 2 : 1;
      expect(answer.clusterNode).toEqual({
        nodeId: id,
        nodeAddress: { family: 1, value: `127.0.0.${id}` },
        nodeName: `node-${id}`,
        member: 1,
        bootTimestamp: 1_700_000_000_000_000_000n,
        initialViewNumber: 1n,
      });
    }
  });

  test('Async answers in the callback, with the same invocation', async () => {
    const { sa, one, bare, log } = await setUp(2);
    expect(await sa.saClmClusterNodeGetAsync(one, 0n, 1)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    expect(await sa.saClmClusterNodeGetAsync(one, 1n, 0)).toEqual({ rc: SA_AIS_ERR_INVALID_PARAM });
    expect(await sa.saClmClusterNodeGetAsync(bare, 1n, 1)).toEqual({ rc: SA_AIS_ERR_INIT });
    expect(await sa.saClmClusterNodeGetAsync(one, 5n, 2)).toEqual({ rc: SA_AIS_OK });
    expect(await sa.saClmClusterNodeGetAsync(one, 6n, 9)).toEqual({ rc: SA_AIS_OK });
    await tick();
    expect(log).toEqual([]);
    await sa.saClmDispatch(one, SA_DISPATCH_ONE);
    expect(log).toEqual(['node 5 node-2 rc 1']);
    await sa.saClmDispatch(one, SA_DISPATCH_ALL);
    expect(log).toEqual(['node 5 node-2 rc 1', 'node 6 undefined rc 12']);
  });

  test('before the first view nothing is known: Initialize answers TRY_AGAIN', async () => {
    const { connector } = createClientCluster(1, false);
    const sa = createSaClm();
    const connect = { connector: connector(1) };
    expect(await sa.saClmInitialize(null, b01(), connect)).toEqual({ rc: SA_AIS_ERR_TRY_AGAIN });
  });
});

describe('tracking', () => {
  test('CURRENT and CHANGES: one callback with all, then one for each change', async () => {
    const { sa, one, log, cluster } = await setUp(3);
    expect(await sa.saClmClusterTrack(one, CURRENT | CHANGES, null)).toEqual({ rc: SA_AIS_OK });
    cluster.kill(3);
    cluster.restart(3);
    await tick();
    await sa.saClmDispatch(one, SA_DISPATCH_ALL);
    expect(log).toEqual([
      'track 1 2 3 of 3 rc 1',
      'track 1 2 3- of 2 rc 1',
      'track 1 2 3+ of 3 rc 1',
    ]);
  });

  test('CURRENT into a buffer and CHANGES_ONLY: the buffer is filled, the callbacks have changes only', async () => {
    const { sa, one, log, cluster } = await setUp(3);
    const buffer = noBuffer();
    await sa.saClmClusterTrack(one, CURRENT | ONLY, buffer);
    expect(text(buffer)).toBe('1 2 3');
    expect(buffer.numberOfItems).toBe(3);
    expect(await sa.saClmClusterNotificationFree(one, buffer.notification)).toEqual({
      rc: SA_AIS_OK,
    });
    expect(await sa.saClmClusterNotificationFree(one, null)).toEqual({
      rc: SA_AIS_ERR_INVALID_PARAM,
    });
    cluster.kill(2);
    await tick();
    await sa.saClmDispatch(one, SA_DISPATCH_ALL);
    expect(log).toEqual(['track 2- of 2 rc 1']);
  });

  test('CURRENT and LOCAL: only the own node, all counted', async () => {
    const { sa, one, log } = await setUp(3);
    await sa.saClmClusterTrack(one, CURRENT | LOCAL, null);
    await sa.saClmDispatch(one, SA_DISPATCH_ALL);
    expect(log).toEqual(['track 1 of 3 rc 1']);
    expect(await sa.saClmClusterTrackStop(one)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
  });

  test('stop drops what is queued; afterwards there is nothing to stop', async () => {
    const { sa, one, log, cluster } = await setUp(3);
    await sa.saClmClusterTrack(one, CHANGES, null);
    cluster.kill(3);
    await tick();
    expect(await sa.saClmClusterTrackStop(one)).toEqual({ rc: SA_AIS_OK });
    expect(await sa.saClmClusterTrackStop(one)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    cluster.kill(2);
    await tick();
    await sa.saClmDispatch(one, SA_DISPATCH_ALL);
    expect(log).toEqual([]);
  });

  test('a B.04 callback has a completed step, the view number, and nodes of B.04', async () => {
    const { sa, four, steps, cluster } = await setUp(2);
    const buffer = { ...noBuffer(), notification: null };
    await sa.saClmClusterTrack_4(four, CHANGES, buffer);
    cluster.kill(2);
    await tick();
    await sa.saClmDispatch(four, SA_DISPATCH_ALL);
    expect(steps).toHaveLength(1);
    const [given, members, invocation, cause, ids, step, , error] = steps[0] ?? [];
    expect([members, invocation, cause, ids, step, error]).toEqual([
      1,
      0n,
      null,
      null,
      4,
      SA_AIS_OK,
    ]);
    expect(given).toMatchObject({
      viewNumber: 2n,
      numberOfItems: 2,
      notification: [
        { clusterNode: { nodeId: 1, member: 1, executionEnvironment: '' }, clusterChange: 1 },
        { clusterNode: { nodeId: 2, member: 0, executionEnvironment: '' }, clusterChange: 3 },
      ],
    });
  });

  test('a blocking dispatch runs callbacks until the handle is finalised', async () => {
    const { sa, one, log, cluster } = await setUp(2);
    await sa.saClmClusterTrack(one, CHANGES, null);
    const serving = sa.saClmDispatch(one, SA_DISPATCH_BLOCKING);
    cluster.kill(2);
    while (log.length === 0) await tick();
    expect(await sa.saClmFinalize(one)).toEqual({ rc: SA_AIS_OK });
    expect(await serving).toEqual({ rc: SA_AIS_OK });
    expect(await sa.saClmFinalize(one)).toEqual({ rc: SA_AIS_ERR_BAD_HANDLE });
    cluster.run();
    expect(cluster.host(1).inspect('clm')).toMatchObject({ tracking: 0 });
  });

  test('when the executive is gone, dispatch says so', async () => {
    const { sa, one, drop } = await setUp(1);
    await sa.saClmClusterTrack(one, CHANGES, null);
    drop(1);
    await tick();
    expect(await sa.saClmDispatch(one, SA_DISPATCH_ALL)).toEqual({ rc: SA_AIS_ERR_BAD_HANDLE });
  });
});
