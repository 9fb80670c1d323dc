/** Keeps an eye on the processes of the group: which members are silent, and which are no executives at all. */
import { CPG_SILENT_TICKS_MAX, CPG_STRANGERS_NAMED_MAX } from './limits.ts';
import { nameOf } from './round.ts';
import type { CpgMember } from './wire.ts';

export class Watch {
  /** Own ticks since something came from a member, by nodeid. */
  readonly #silence = new Map<number, number>();
  readonly #strangers = new Set<string>();

  beginView(): void {
    this.#silence.clear();
  }

  heard(node: number): void {
    this.#silence.set(node, 0);
  }

  /**
   * An own tick came back. Counted so, a pause, here or of the ring, accuses nobody.
   * @returns the members that are silent for too long.
   */
  ticked(others: readonly number[]): readonly number[] {
    for (const node of others) this.#silence.set(node, (this.#silence.get(node) ?? 0) + 1);
    return others.filter((node) => this.#silence.get(node)! >= CPG_SILENT_TICKS_MAX);
  }

  /** @returns whether this stranger is worth a line: once each, since strangers may talk a lot. */
  isNew(stranger: CpgMember): boolean {
    const name = nameOf(stranger);
    if (this.#strangers.has(name) || this.#strangers.size >= CPG_STRANGERS_NAMED_MAX) return false;
    this.#strangers.add(name);
    return true;
  }

  forgetStrangers(): void {
    this.#strangers.clear();
  }
}
