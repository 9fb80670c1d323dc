/** Administration as its tests see it: an operation, what subscribers hear of it and answer, how nodes are. */
import { SA_AIS_OK } from '@aisexec/ais';
import { createTestCluster, type TestClient, type TestCluster } from '@aisexec/service/testing';
import type { ChangedEvent, NodeAdminState } from '../protocol.ts';
import { createClmService } from './index.ts';

const LABELS = ['', '', '+', '-', '~', 'u', 's'];
const clm = createClmService({ administrators: [0, 33] });

export function cluster(nodes = 3, quorum?: number): TestCluster {
  return createTestCluster({
    nodes,
    services: [clm],
    seed: 3,
    ...(quorum === undefined
      ? {}
      : { quorum: { provider: 'votequorum', expectedVotes: quorum } as const }),
  });
}

/** A client that is told of steps: `v` validate, `s` start. */
export function subscriber(
  c: TestCluster,
  node: number,
  { steps = '', mode = 'changes-only', local = false } = {},
): TestClient {
  const client = c.client(node, 'clm');
  const [validate, start] = [steps.includes('v'), steps.includes('s')];
  const request = { admission: 0n, mode, local, validate, start, subscription: 1 };
  const rc = client.request('track', request)?.rc;
  if (rc !== SA_AIS_OK) throw new Error(`track answered ${rc}`);
  return client;
}

/** Everything the client heard, e.g. `validate 2-`. */
export function heard(client: TestClient): string[] {
  return client.take('changed').map(({ payload }) => {
    const { step, nodes } = payload as ChangedEvent;
    return `${step} ${nodes.map(({ node, change }) => `${node.nodeId}${LABELS[change]}`).join(' ')}`;
  });
}

export function operate(c: TestCluster, operation: string, nodeId: number, from = 1, uid = 0) {
  const client = c.client(from, 'clm', uid);
  const pending = client.post('administer', { operation, nodeId, supervisionMs: 1_000 });
  c.run();
  return {
    get rc() {
      return pending.reply?.rc;
    },
  };
}

/** Answers the last step that the client was asked for. */
export function respond(client: TestClient, response: string, admission = 0n) {
  const { payload } = client.callbacks.findLast(({ payload }) => payload.invocation > 0n) ?? {};
  const invocation = payload?.invocation ?? 0n;
  return client.request('respond', { admission, invocation, response })?.rc;
}

export function states(c: TestCluster, node = 1): string {
  const nodes: NodeAdminState[] = c.client(node, 'clm').request('adminStates', {})?.['nodes'];
  return nodes.map((n) => `${n.nodeId} ${n.state}${n.member ? ' member' : ''}`).join(', ');
}
