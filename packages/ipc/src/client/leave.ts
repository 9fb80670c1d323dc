/** The question of an executive that wants to leave, put to the application (ADR 0166). */
import type { ShutdownListener } from './contract.ts';

export class LeaveQuestion {
  readonly #listener: ShutdownListener;
  #current: AbortController | undefined;

  constructor(listener: ShutdownListener) {
    this.#listener = listener;
  }

  /** @returns the reason of a veto; never rejects. */
  async ask(withinMs: number): Promise<string | undefined> {
    this.callOff();
    const controller = new AbortController();
    this.#current = controller;
    try {
      const answer = await this.#listener({ withinMs, signal: controller.signal });
      return typeof answer === 'string' ? answer : undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** The executive stays. */
  callOff(): void {
    this.#current?.abort();
    this.#current = undefined;
  }
}
