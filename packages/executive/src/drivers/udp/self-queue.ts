/** Packets of this node to itself: handled in a later turn, so that the ring is never called from inside its own effects. */
import { SELF_PACKETS_MAX, SELF_PACKETS_PER_TURN } from '../../limits.ts';

export interface SelfQueue {
  /** Copies. */
  push(packet: Uint8Array): void;
  close(): void;
  stats(): Readonly<Record<string, number>>;
}

export function createSelfQueue(receive: (packet: Uint8Array) => void): SelfQueue {
  const counters = { packetsToSelf: 0, droppedSelf: 0 };
  const waiting: Uint8Array[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let closed = false;

  function deliver(): void {
    scheduled = undefined;
    const turn = waiting.splice(0, SELF_PACKETS_PER_TURN);
    for (const packet of turn) {
      if (closed) return;
      receive(packet);
    }
    if (waiting.length > 0) scheduled ??= setImmediate(deliver);
  }

  return {
    push(packet) {
      if (waiting.length >= SELF_PACKETS_MAX) {
        counters.droppedSelf++;
        return;
      }
      counters.packetsToSelf++;
      waiting.push(Uint8Array.from(packet));
      scheduled ??= setImmediate(deliver);
    },
    close() {
      closed = true;
      if (scheduled !== undefined) clearImmediate(scheduled);
    },
    stats: () => ({ ...counters }),
  };
}
