/**
 * One executive per node and state directory. The lock is a unix socket that listens in the directory:
 * the kernel lets go of it when the process dies, however it dies, and no process id is ever mistaken.
 */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { listenOn, SocketPathError } from '@aisexec/ipc/server';
import { StableStoreError } from './durable-file.ts';

export interface StateLock {
  release(): Promise<void>;
}

/** The state directory of this node is in use by another process. */
export class StateInUseError extends Error {
  override readonly name = 'StateInUseError';
}

/** @throws StateInUseError, or StableStoreError when the directory cannot be used. */
export async function lockState(directory: string, nodeId: number): Promise<StateLock> {
  const server = createServer((socket) => socket.destroy());
  const path = join(directory, `node_${nodeId}.lock`);
  try {
    const release = await listenOn(server, path, 0o600);
    server.unref();
    return {
      release() {
        release();
        return new Promise((resolve) => server.close(() => resolve()));
      },
    };
  } catch (error) {
    if (error instanceof SocketPathError && error.kind === 'in-use') {
      throw new StateInUseError(
        `another executive runs as node ${nodeId} on the state directory ${directory}`,
      );
    }
    throw new StableStoreError(`cannot lock ${directory}: ${(error as Error).message}`);
  }
}
