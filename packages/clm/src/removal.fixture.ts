/** Nodes that are taken out of the membership: for the conformance tables of the services that are for members. */
import type { ConnectOptions } from '@aisexec/ipc';
import { NodeAdmin } from './client/admin.ts';
import { createClmService } from './service/index.ts';

/** The membership service for clusters in this process, whose clients may administer. */
export const clmOfThisProcess = createClmService({ administrators: [process.getuid?.() ?? -1] });

/**
 * Runs something while `node` is no member; it is readmitted afterwards. `connect`: to the executive of that node
 * where it matters that it has applied the removal by then; others may be a little ahead of it.
 */
export async function whileRemoved<T>(
  connect: ConnectOptions,
  node: number,
  run: () => T | Promise<T>,
): Promise<T> {
  await using admin = await NodeAdmin.connect(connect);
  await admin.lock(node);
  try {
    return await run();
  } finally {
    await admin.unlock(node);
  }
}
