/** `aisctl key …`: which keys a sealed ring uses, and changing them while it runs (docs/security.md). */
import { type Admin, type AdminStatus, type KeyStatus, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { KEY_POLL_MS } from '../limits.ts';
import { type Format, print } from '../output.ts';
import { Failure } from '../problems.ts';

export async function keyStatus(socket: string, format: Format): Promise<number> {
  const keys = keysOf(await withAdmin(socket, (admin) => admin.status()));
  await print(format, { keys }, () => `${textOf(keys)}\n`);
  return EXIT.ok;
}

export interface RotateArguments {
  readonly socket: string;
  readonly format: Format;
  /** Bounds the wait, not the change. */
  readonly timeoutMs: number;
}

/** Resolves when all members send with the new key and have dropped the old one. */
export async function rotateKey({ socket, format, timeoutMs }: RotateArguments): Promise<number> {
  return withAdmin(socket, async (admin) => {
    const { rotation, key } = await admin.rotateKey();
    const members = await ended(admin, rotation, key, performance.now() + timeoutMs);
    await print(
      format,
      { rotation, key, members, done: true },
      () =>
        `key ${key} is in use on nodes ${members.join(', ')}\n` +
        'a node that was away needs the new key file before it starts\n',
    );
    return EXIT.ok;
  });
}

async function ended(
  admin: Admin,
  rotation: number,
  key: string,
  end: number,
): Promise<readonly number[]> {
  for (;;) {
    const status = await admin.status();
    const keys = keysOf(status);
    const { last } = keys;
    const isOver = last !== null && last.rotation === rotation;
    if (isOver && last.outcome === 'failed') {
      throw new Failure(
        `key ${key} was not taken into use: node ${last.node}: ${last.reason}`,
        EXIT.failed,
        'put the new key file on that node, too, then rotate again; the old key stays in use',
      );
    }
    if (isOver || (keys.state === 'idle' && keys.sending === key)) return status.ring.members;
    if (performance.now() > end) {
      throw new Failure(
        `the change to key ${key} is not over: ${textOf(keys)}`,
        EXIT.tryAgain,
        "it goes on; 'aisctl key status', and the log of the nodes that it waits for",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, KEY_POLL_MS));
  }
}

function keysOf({ keys }: AdminStatus): KeyStatus {
  if (keys !== null) return keys;
  throw new Failure('this ring is not sealed', EXIT.failed, 'totem.key_file; docs/security.md');
}

function textOf({ sending, next, previous, state, waitingFor, last }: KeyStatus): string {
  const lines = [`sending with ${sending}`];
  if (next !== null) lines.push(`accepting ${next} besides`);
  if (previous !== null) lines.push(`still accepting ${previous}`);
  if (state !== 'idle') lines.push(`${state}, waiting for nodes ${waitingFor.join(', ')}`);
  if (last !== null) {
    const why = last.reason === undefined ? '' : ` (node ${last.node}: ${last.reason})`;
    lines.push(`last change: to ${last.key}, ${last.outcome}${why}`);
  }
  return lines.join('; ');
}
