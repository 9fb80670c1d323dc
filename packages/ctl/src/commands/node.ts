/** `aisctl node …`: administration of nodes (AIS B.4 rules 5 and 6), from any executive of the cluster. */
import {
  isSaAisError,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_TIMEOUT,
} from '@aisexec/ais';
import { NodeAdmin, type NodeAdminState } from '@aisexec/clm';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { type Format, oneLine, print, table } from '../output.ts';
import { Failure } from '../problems.ts';

export type NodeOperation = 'lock' | 'unlock' | 'shutdown';

export interface OperateArguments {
  readonly socket: string;
  readonly format: Format;
  readonly operation: NodeOperation;
  /** Name or id. */
  readonly node: string;
  /** Bounds aisctl's wait, not the operation; undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** How long each step waits for the answers of subscribers. */
  readonly supervisionMs: number | undefined;
}

export async function listNodes(socket: string, format: Format): Promise<number> {
  await using admin = await connect(socket);
  const nodes = await admin.nodes({ timeoutMs: CALL_MS_MAX });
  const list = nodes.map(({ nodeId, name, member, state }) => ({ nodeId, name, member, state }));
  await print(format, { nodes: list }, () =>
    table(
      ['NODE', 'NAME', 'STATE', 'MEMBER'],
      list.map(({ nodeId, name, member, state }) => [
        ...[nodeId, name ?? '(not here)', state],
        member ? 'yes' : 'no',
      ]),
    ),
  );
  return EXIT.ok;
}

/** Resolves when the operation is done. */
export async function operate(args: OperateArguments): Promise<number> {
  const { socket, format, operation, timeoutMs, supervisionMs } = args;
  await using admin = await connect(socket);
  const node = nodeNamed(args.node, await admin.nodes({ timeoutMs: CALL_MS_MAX }));
  try {
    await admin[operation](node.nodeId, {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(supervisionMs === undefined ? {} : { supervisionMs }),
    });
  } catch (error) {
    throw explained(error, args) ?? error;
  }
  const document = { nodeId: node.nodeId, name: node.name, operation, done: true };
  await print(format, document, () => {
    const name = node.name === null ? '' : ` (${oneLine(node.name)})`;
    return `node ${node.nodeId}${name}: ${DONE[operation]}\n`;
  });
  return EXIT.ok;
}

const DONE: Readonly<Record<NodeOperation, string>> = {
  lock: 'locked',
  unlock: 'unlocked',
  shutdown: 'shut down and locked',
};

async function connect(socket: string): Promise<NodeAdmin & AsyncDisposable> {
  await assertAnswers(socket, 'clm');
  return NodeAdmin.connect({ socket, timeoutMs: CALL_MS_MAX });
}

function nodeNamed(text: string, nodes: readonly NodeAdminState[]): NodeAdminState {
  const found =
    nodes.find(({ name }) => name === text) ?? nodes.find(({ nodeId }) => String(nodeId) === text);
  if (found !== undefined) return found;
  throw new Failure(`no node '${text}'`, EXIT.failed, 'aisctl node ls');
}

function explained(error: unknown, args: OperateArguments): Failure | undefined {
  const failed = (why: string, exitCode: number, hint: string) =>
    new Failure(`${args.operation} of node ${args.node}: ${why}`, exitCode, hint);
  if (isSaAisError(error, SA_AIS_ERR_FAILED_OPERATION)) {
    return failed('a subscriber objected, or it was undone', EXIT.failed, 'aisctl node ls');
  }
  if (isSaAisError(error, SA_AIS_ERR_NO_OP)) {
    return failed('it is in that state already', EXIT.failed, 'aisctl node ls');
  }
  if (isSaAisError(error, SA_AIS_ERR_BUSY)) {
    return failed('another operation on it goes on', EXIT.tryAgain, 'aisctl node ls; again later');
  }
  if (isSaAisError(error, SA_AIS_ERR_TIMEOUT)) {
    return failed(`not done in ${args.timeoutMs} ms; it goes on`, EXIT.tryAgain, 'aisctl node ls');
  }
  return undefined;
}
