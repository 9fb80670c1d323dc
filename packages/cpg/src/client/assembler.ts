/** Messages above libcpg's largest arrive in parts, one message of a process at a time. */
import { ASSEMBLY_BYTES_MAX } from '../limits.ts';
import type { CpgProcess, MessageEvent } from '../protocol.ts';

export class Assembler {
  readonly #parts = new Map<string, Uint8Array[]>();

  /** @returns the message, when this was its last part. */
  add(event: MessageEvent): Uint8Array | undefined {
    if (event.part === 'whole') return event.bytes;
    const key = keyOf(event);
    if (event.part === 'first') this.#parts.set(key, []);
    const parts = this.#parts.get(key);
    // The first part came before we joined, or was too much.
    if (parts === undefined) return undefined;
    parts.push(event.bytes);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > ASSEMBLY_BYTES_MAX || event.part === 'last') this.#parts.delete(key);
    if (length > ASSEMBLY_BYTES_MAX || event.part !== 'last') return undefined;
    const message = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      message.set(part, at);
      at += part.length;
    }
    return message;
  }

  /** Who left in the middle of a message does not finish it. */
  forget(process: CpgProcess): void {
    this.#parts.delete(keyOf(process));
  }
}

function keyOf({ nodeId, pid }: CpgProcess): string {
  return `${nodeId}.${pid}`;
}
