/**
 * How long a node waits for the token before it gives the ring up (ADR 0179): not a guess made once for every
 * network, but what the rotations seen so far call for, within bounds. As TCP derives its time-out from the round
 * trip (RFC 6298): mean and deviation, and beside them the longest silence that turned out to mean nothing.
 */
import { ROTATION_DEVIATIONS, ROTATION_PEAK_DECAY_MS, ROTATION_PEAK_FACTOR } from './limits.ts';

const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;

export class TokenTimeout {
  /** The time-out in force, milliseconds. */
  ms: number;
  /** Time from one visit of the token to the next, held or not. */
  meanMs = 0;
  /** The longest silence lately; it fades. */
  peakMs = 0;
  readonly #minMs: number;
  readonly #maxMs: number;
  #deviationMs = 0;
  #visitedAt = Number.NaN;

  /** With equal bounds nothing is derived. */
  constructor(minMs: number, maxMs: number) {
    this.ms = minMs;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** The token is here. */
  visited(now: number): void {
    if (this.#minMs === this.#maxMs) return;
    const interval = now - this.#visitedAt;
    this.#visitedAt = now;
    if (!(interval >= 0)) return;
    const fading = Math.min(interval, ROTATION_PEAK_DECAY_MS) / ROTATION_PEAK_DECAY_MS;
    this.peakMs = Math.max(interval, this.peakMs * (1 - fading));
    const error = interval - this.meanMs;
    this.meanMs += error * MEAN_WEIGHT;
    this.#deviationMs += (Math.abs(error) - this.#deviationMs) * DEVIATION_WEIGHT;
    this.#derive();
  }

  /** The ring is given up: the next visit ends no rotation. */
  interrupted(): void {
    this.#visitedAt = Number.NaN;
  }

  /** A silence that did not mean a death: this process slept, or the ring came back as it was. */
  silence(ms: number): void {
    if (this.#minMs === this.#maxMs) return;
    this.peakMs = Math.max(this.peakMs, ms);
    this.#derive();
  }

  #derive(): void {
    const usual = this.meanMs + ROTATION_DEVIATIONS * this.#deviationMs;
    const wanted = Math.ceil(Math.max(usual, ROTATION_PEAK_FACTOR * this.peakMs));
    this.ms = Math.min(this.#maxMs, Math.max(this.#minMs, wanted));
  }
}
