/**
 * Which of the host's own messages all nodes of the view understand (ADR 0197). Like a service (ADR 0173) a host
 * names in its hello what it speaks; what a view speaks is the least of that. A new kind of message gets a line
 * in `SINCE`, and `HOST_VERSION` rises with it: it is sent, and heeded, where everybody knows it.
 */
import { FIRST_VERSION } from '../versions.ts';
import type { Envelope } from './envelope.ts';

/** What this code speaks. */
export const HOST_VERSION = 2;

/** The versions that brought kinds of messages; those without a line are of the first. */
const SINCE: Readonly<Partial<Record<Envelope['kind'], number>>> = { departed: 2 };

export class Speech {
  readonly own: number;
  #agreed = FIRST_VERSION;

  constructor(own = HOST_VERSION) {
    this.own = own;
  }

  /** What all nodes of the view speak. */
  get agreed(): number {
    return this.#agreed;
  }

  /** A synchronised view whose nodes all speak this version. */
  view(agreed: number): void {
    this.#agreed = agreed;
  }

  understands(kind: Envelope['kind']): boolean {
    return (SINCE[kind] ?? FIRST_VERSION) <= this.#agreed;
  }
}
