import { SA_AIS_ERR_NOT_EXIST, SA_AIS_OK } from '@aisexec/ais';
import {
  checkService,
  createTestCluster,
  type TestClient,
  type WorkloadStep,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import type { ChangedEvent, NodeChange, ViewReport } from '../protocol.ts';
import { clmService } from './index.ts';

const LABELS = ['', '', '+', '-', '~'];

/** `2+` joined, `2-` left, `2~` reconfigured, `2` no change. */
function text(nodes: readonly NodeChange[]): string {
  return nodes.map(({ node, change }) => `${node.nodeId}${LABELS[change]}`).join(' ');
}

/** What a request to `track` has at least; 0: no node was ever evicted. */
const BASE = { admission: 0n, validate: false, start: false, subscription: 1 };

function cluster(nodes: number | readonly number[], seed = 1) {
  return createTestCluster({ nodes, services: [clmService], seed });
}

function track(client: TestClient, mode = 'changes', local = false): ViewReport {
  const reply = client.request('track', { ...BASE, mode, local });
  expect(reply?.rc).toBe(SA_AIS_OK);
  return reply?.['view'];
}

function heard(client: TestClient): string[] {
  return client.take('changed').map(({ payload }) => text((payload as ChangedEvent).nodes));
}

describe('the membership service', () => {
  test('knows the members, and the node of the client by its alias', () => {
    const c = cluster(3);
    const client = c.client(2, 'clm');
    const reply = client.request('nodeGet', { admission: 0n, nodeId: 0xffff_ffff });
    expect(reply).toMatchObject({
      rc: SA_AIS_OK,
      node: { nodeId: 2, name: 'node-2', family: 'inet', address: '127.0.0.2' },
    });
    expect(client.request('nodeGet', { admission: 0n, nodeId: 9 })).toEqual({
      rc: SA_AIS_ERR_NOT_EXIST,
    });
    const current: ViewReport = client.request('current', { admission: 0n, local: false })?.[
      'view'
    ];
    expect(text(current.nodes)).toBe('1 2 3');
    const local: ViewReport = client.request('current', { admission: 0n, local: true })?.['view'];
    expect(text(local.nodes)).toBe('2');
    expect(local.memberCount).toBe(3);
  });

  test('tells every subscriber of a change exactly once, in the form it asked for', () => {
    const c = cluster(3);
    const all = c.client(1, 'clm');
    const only = c.client(2, 'clm');
    const local = c.client(1, 'clm');
    const silent = c.client(1, 'clm');
    const view = track(all).viewNumber;
    track(only, 'changes-only');
    track(local, 'changes', true);
    c.kill(3);
    expect(all.callbacks).toHaveLength(1);
    expect(all.callbacks[0]?.payload).toMatchObject({
      viewNumber: view + 1n,
      memberCount: 2,
      subscription: 1,
    });
    expect(heard(all)).toEqual(['1 2 3-']);
    expect(heard(only)).toEqual(['3-']);
    c.restart(3);
    expect(heard(all)).toEqual(['1 2 3+']);
    expect(heard(only)).toEqual(['3+']);
    expect(heard(local)).toEqual([]);
    expect(heard(silent)).toEqual([]);
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('gives a returning node a new initial view, and keeps the others’', () => {
    const c = cluster(2);
    const client = c.client(1, 'clm');
    const before: ViewReport = client.request('current', { admission: 0n, local: false })?.['view'];
    c.kill(2);
    c.advance(1000);
    c.restart(2);
    const after: ViewReport = client.request('current', { admission: 0n, local: false })?.['view'];
    expect(after.viewNumber).toBe(before.viewNumber + 2n);
    expect(after.nodes[0]?.node).toEqual(before.nodes[0]?.node);
    expect(after.nodes[1]?.node.initialView).toBe(after.viewNumber);
    expect(after.nodes[1]?.node.bootTime).toBeGreaterThan(before.nodes[1]?.node.bootTime as bigint);
  });

  test('reports a node that was restarted within one change as left and joined', () => {
    const c = cluster(3);
    const client = c.client(1, 'clm');
    track(client, 'changes-only');
    c.kill(2, false);
    c.restart(2, false);
    c.run();
    expect(heard(client)).toEqual(['2- 2+']);
  });

  test('after a partition heals, both sides hear of those that they had lost', () => {
    const c = cluster(5);
    const left = c.client(1, 'clm');
    const right = c.client(5, 'clm');
    track(left);
    track(right, 'changes-only');
    c.split([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(heard(left)).toEqual(['1 2 3 4- 5-']);
    expect(heard(right)).toEqual(['1- 2- 3-']);
    const views = [1, 5].map(
      (n) =>
        c.client(n, 'clm').request('current', { admission: 0n, local: false })?.['view']
          .viewNumber as bigint,
    );
    c.heal();
    const [highest = 0n] = views.sort((a, b) => Number(b - a));
    const healed: ViewReport = left.request('current', { admission: 0n, local: false })?.['view'];
    expect(healed.viewNumber).toBe(highest + 1n);
    const [toldLeft, toldRight] = [heard(left), heard(right)];
    expect(toldLeft).toHaveLength(1);
    expect(toldRight).toHaveLength(1);
    // One side wins: its nodes stay, the other side's join it and have a new initial view.
    if (toldLeft[0] === '1 2 3 4+ 5+') expect(toldRight[0]).toBe('1+ 2+ 3+ 4~ 5~');
    else {
      expect(toldLeft[0]).toBe('1~ 2~ 3~ 4+ 5+');
      expect(toldRight[0]).toBe('1+ 2+ 3+');
    }
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('a ring that re-forms with the same members is no new view', () => {
    const c = cluster(3);
    const client = c.client(1, 'clm');
    const before = track(client).viewNumber;
    c.split([[1, 2], [3]], false);
    c.heal(false);
    c.run();
    const now: ViewReport = client.request('current', { admission: 0n, local: false })?.['view'];
    expect(now.viewNumber).toBe(before);
    expect(heard(client)).toEqual([]);
  });

  test('a subscription replaces the former one, and ends once', () => {
    const c = cluster(3);
    const client = c.client(1, 'clm');
    expect(client.request('trackStop', { admission: 0n })).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    track(client);
    track(client, 'changes-only');
    c.kill(2);
    expect(heard(client)).toEqual(['2-']);
    expect(client.request('trackStop', { admission: 0n })).toEqual({ rc: SA_AIS_OK });
    expect(client.request('trackStop', { admission: 0n })).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    c.kill(3);
    expect(heard(client)).toEqual([]);
  });

  test('subscriptions of clients and nodes that are gone are forgotten', () => {
    const c = cluster(3);
    const closing = c.client(1, 'clm');
    track(closing);
    track(c.client(3, 'clm'));
    expect(c.host(1).inspect('clm')).toMatchObject({ tracking: 2 });
    closing.close();
    c.run();
    c.kill(3);
    expect(c.host(1).inspect('clm')).toMatchObject({ tracking: 0, viewNumber: expect.any(String) });
  });

  test('a joiner gets the state, and its subscribers go on', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const c = cluster([2, 3, 4], seed);
      const client = c.client(3, 'clm');
      track(client, 'changes-only');
      c.split([[2], [3], [4]]);
      heard(client);
      c.heal();
      const nodes = heard(client).join(' ');
      expect(nodes).toMatch(/2\+/);
      expect(nodes).toMatch(/4\+/);
      c.restart(2);
      expect(heard(client).join(' ')).toMatch(/2-.*2\+/);
      expect(c.hashes('clm')).toHaveLength(1);
      expect(c.host(4).inspect('clm')).toMatchObject({ tracking: 1 });
    }
  });

  test('holds what every service must hold', () => {
    const steps: WorkloadStep[] = [];
    for (let client = 0; client < 6; client++) {
      steps.push({
        client,
        fn: 'track',
        argument: {
          ...BASE,
          mode: client % 2 === 0 ? 'changes' : 'changes-only',
          local: client === 5,
          validate: client % 3 === 0,
          start: client % 3 === 1,
          subscription: client,
        },
      });
      steps.push({ client, fn: 'current', argument: { admission: 0n, local: false } });
      steps.push({ client, fn: 'nodeGet', argument: { admission: 0n, nodeId: client } });
    }
    const administer = (client: number, operation: string, nodeId: number): WorkloadStep => ({
      client,
      fn: 'administer',
      argument: { operation, nodeId, supervisionMs: 500 },
    });
    const respond = (client: number, invocation: bigint, response: string): WorkloadStep => ({
      client,
      fn: 'respond',
      argument: { admission: 0n, invocation, response },
    });
    steps.push(administer(4, 'lock', 1), respond(0, 1n, 'ok'), respond(3, 2n, 'ok'));
    steps.push({ advanceMs: 2_000 }, administer(0, 'unlock', 1), administer(5, 'shutdown', 3));
    steps.push({ advanceMs: 700 }, administer(2, 'lock', 2), { advanceMs: 100 });
    steps.push(administer(3, 'shutdown', 9), respond(1, 9n, 'rejected'));
    steps.push({ client: 1, fn: 'adminStates', argument: {} });
    steps.push(
      { client: 1, fn: 'trackStop', argument: { admission: 0n } },
      { client: 2, close: true },
    );
    // The suite takes it that a state does not know the members; here they are the state.
    expect(checkService(clmService, { seed: 7, steps })).toEqual([
      'inspect differs after a node joined',
    ]);
  });
});
