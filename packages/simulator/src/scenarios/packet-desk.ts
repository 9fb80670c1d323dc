/** Where a scenario takes packets off the network: lost, copied to be replayed, or held to be released late. */
import type { PacketRule } from './parse.ts';

export interface PacketDesk {
  /** For the network: false takes the packet away. */
  filter(from: number, to: number, packet: Uint8Array): boolean;
  add(kind: 'lose' | 'copy' | 'hold', rule: PacketRule): void;
  /** No rule any more; copies and held packets stay. */
  clear(): void;
  /** Copies arrive once more. @returns how many. */
  replay(): number;
  /** Held packets arrive now. @returns how many. */
  release(): number;
}

interface Entry {
  readonly kind: 'lose' | 'copy' | 'hold';
  readonly rule: PacketRule;
  left: number;
}

interface Kept {
  readonly to: number;
  readonly packet: Uint8Array;
}

const TYPE_OFFSET = 3;

export function createPacketDesk(arrive: (to: number, packet: Uint8Array) => void): PacketDesk {
  let entries: Entry[] = [];
  const copies: Kept[] = [];
  let held: Kept[] = [];

  const fits = ({ rule, left }: Entry, from: number, to: number, type: number): boolean =>
    left > 0 &&
    rule.type === type &&
    (rule.from === undefined || rule.from === from + 1) &&
    (rule.to === undefined || rule.to === to + 1);

  return {
    filter(from, to, packet) {
      const entry = entries.find((each) => fits(each, from, to, packet[TYPE_OFFSET]!));
      if (entry === undefined) return true;
      entry.left -= 1;
      if (entry.kind === 'copy') copies.push({ to, packet: packet.slice() });
      else if (entry.kind === 'hold') held.push({ to, packet: packet.slice() });
      return entry.kind === 'copy';
    },
    add(kind, rule) {
      entries.push({ kind, rule, left: rule.count });
    },
    clear() {
      entries = [];
    },
    replay() {
      for (const { to, packet } of copies) arrive(to, packet.slice());
      return copies.length;
    },
    release() {
      const late = held;
      held = [];
      for (const { to, packet } of late) arrive(to, packet);
      return late.length;
    },
  };
}
