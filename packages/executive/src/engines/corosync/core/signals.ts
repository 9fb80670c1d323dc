/**
 * What a member has to say besides data: its announcement, who is silent, that a new view is due, that it
 * lives and how far it is. Said once Corosync has room; what a newer round made pointless is not said.
 */
import type { Round } from './round.ts';
import {
  type Announcement,
  encodeAnnouncement,
  encodeExclude,
  encodeSignal,
  type Stamp,
} from './wire.ts';

export interface SignalsOptions {
  /** @returns false when Corosync has no room now. */
  readonly send: (frame: Uint8Array) => boolean;
  /** undefined: not yet. */
  readonly announcement: (round: Round, stamp: Stamp) => Announcement | undefined;
}

export class Signals {
  readonly #options: SignalsOptions;
  #announced = false;
  #excluding = false;
  #reforming = false;
  #telling = false;
  #told = 0;

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  /** How far the others know this node to be. */
  get told(): number {
    return this.#told;
  }

  startRound(): void {
    this.#announced = false;
    this.#excluding = false;
    this.#reforming = false;
  }

  beginView(): void {
    this.#telling = false;
    this.#told = 0;
  }

  exclude(): void {
    this.#excluding = true;
  }

  reform(): void {
    this.#reforming = true;
  }

  /** That this node lives, and how far it is. */
  tell(): void {
    this.#telling = true;
  }

  /** @returns false when Corosync has no room. */
  pump(round: Round | undefined, stamp: Stamp): boolean {
    if (round !== undefined && !this.#pumpRound(round, stamp)) return false;
    const { send } = this.#options;
    if (round === undefined && this.#reforming) {
      if (!send(encodeSignal('reform', stamp))) return false;
      this.#reforming = false;
    }
    if (this.#telling) {
      if (!send(encodeSignal('tick', stamp))) return false;
      this.#telling = false;
      this.#told = stamp.delivered;
    }
    return true;
  }

  #pumpRound(round: Round, stamp: Stamp): boolean {
    const { send } = this.#options;
    const announcement = this.#announced ? undefined : this.#options.announcement(round, stamp);
    if (announcement !== undefined) {
      if (!send(encodeAnnouncement(announcement, stamp))) return false;
      this.#announced = true;
    }
    if (this.#excluding) {
      if (!send(encodeExclude(round.key, round.silent, stamp))) return false;
      this.#excluding = false;
      round.ticks = 0;
    }
    return true;
  }
}
