/** `aisctl shutdown`: has the executive of this host leave the cluster in good order. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { SHUTDOWN_MS_MAX } from '../limits.ts';
import { type Format, print } from '../output.ts';
import { Failure } from '../problems.ts';

export async function shutdown(socket: string, format: Format, force: boolean): Promise<number> {
  const { node, isGone } = await withAdmin(socket, async (admin) => {
    const status = await admin.status();
    return { node: status.node, isGone: await admin.shutdown(force, SHUTDOWN_MS_MAX) };
  });
  if (!isGone) {
    throw new Failure(
      `node ${node.id} was asked to leave and still answers after ${SHUTDOWN_MS_MAX} ms`,
      EXIT.tryAgain,
      "its log; 'aisctl status'",
    );
  }
  await print(
    format,
    { nodeId: node.id, leaving: true },
    () => `node ${node.id} leaves the cluster\n`,
  );
  return EXIT.ok;
}
