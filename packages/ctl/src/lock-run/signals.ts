/**
 * The signals that `aisctl lock run` gets, in every phase: before the command runs they end the wait, then
 * they belong to the command. Stop signals are among them: a stopped aisctl could not react to the loss.
 */

/** What ends a process that does nothing about it. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const;
const HARMLESS = ['SIGCONT', 'SIGWINCH', 'SIGTSTP'] as const;
/** Of Linux; other platforms do not have them all. */
const OPTIONAL = ['SIGPWR', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM', 'SIGIO'] as const;

export class SignalRelay {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #ending = new AbortController();
  #first: NodeJS.Signals | undefined;
  #target: ((signal: NodeJS.Signals) => void) | undefined;

  constructor() {
    for (const signal of [...ENDING, ...OPTIONAL]) this.#catch(signal, true);
    for (const signal of HARMLESS) this.#catch(signal, false);
  }

  /** The signal that ended the wait. */
  get first(): NodeJS.Signals | undefined {
    return this.#first;
  }

  /** Aborted by the first such signal. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** From now on every signal goes there. */
  forwardTo(target: (signal: NodeJS.Signals) => void): void {
    this.#target = target;
  }

  close(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#listeners.clear();
  }

  #catch(signal: NodeJS.Signals, ends: boolean): void {
    const listener = () => {
      if (this.#target !== undefined) this.#target(signal);
      else if (ends) {
        this.#first ??= signal;
        this.#ending.abort();
      }
    };
    try {
      process.on(signal, listener);
      this.#listeners.set(signal, listener);
    } catch {
      // Not known or not to be caught on this platform.
    }
  }
}
