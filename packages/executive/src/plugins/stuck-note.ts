/**
 * A note that survives the process: the service that did not give the thread back. At the next start it is not
 * loaded from the configuration again, or the node would end once more, and so on (ADR 0156).
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STUCK_NOTE_BYTES_MAX } from '../limits.ts';

export function stuckNotePath(stateDir: string, nodeId: number): string {
  return join(stateDir, `stuck-service-${nodeId}`);
}

/** Names of the services that were found stuck in earlier runs, one a line. */
export function readStuckNote(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').slice(-STUCK_NOTE_BYTES_MAX).split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

export function removeStuckNote(path: string): void {
  rmSync(path, { force: true });
}
