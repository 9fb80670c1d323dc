/**
 * One service on this node: its definition, its committed state, and the wall around it. Whatever it
 * throws stops this service on this node and nothing else (ais.md D.1 row 15).
 */
import type { ServiceDefinition } from '../contract.ts';
import { hashState } from '../state-hash.ts';

/** A state whose type only its service knows. */
export type State = unknown;

export interface ReplicaOptions {
  // biome-ignore lint/suspicious/noExplicitAny: services of one host differ in their states
  readonly definition: ServiceDefinition<any>;
  /** Called once, when the service failed. */
  readonly failed: (replica: Replica, where: string, error: unknown) => void;
}

export class Replica {
  // biome-ignore lint/suspicious/noExplicitAny: see ReplicaOptions
  readonly definition: ServiceDefinition<any>;
  readonly id: number;
  readonly name: string;
  readonly #failed: ReplicaOptions['failed'];
  #state: State;
  #running = true;
  /** Hash of the committed state, as long as nothing may have changed it. */
  #hash: string | undefined;
  /** Its digest, likewise: {@link BackgroundSync.digest} or the hash. */
  #digest: string | undefined;
  /** Its next deadline, likewise. */
  #deadline: bigint | null | undefined;

  constructor(options: ReplicaOptions) {
    this.definition = options.definition;
    this.id = options.definition.id;
    this.name = options.definition.name;
    this.#failed = options.failed;
    this.guard('init', () => {
      this.#state = this.definition.init();
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The committed state. Handlers that change it run inside {@link change}. */
  get state(): State {
    return this.#state;
  }

  /** Runs the service's code. @returns undefined when it threw: then the service has failed. */
  guard<T>(where: string, run: () => T): T | undefined {
    if (!this.#running) return undefined;
    try {
      return run();
    } catch (error) {
      this.fail(where, error);
      return undefined;
    }
  }

  /** Runs code that may change the committed state. */
  change(where: string, run: (state: State) => void): void {
    this.#touch();
    this.guard(where, () => run(this.#state));
  }

  /** Runs code that changes what this replica has of the state, not what the state is. */
  fill(where: string, run: (state: State) => void): void {
    this.#hash = undefined;
    this.guard(where, () => run(this.#state));
  }

  /** Swaps in a synchronised state, with the contents that are here already. */
  replace(state: State): void {
    const before = this.#state;
    this.#touch();
    this.#state = state;
    this.guard('adopt', () => this.definition.sync.background?.adopt(before, state));
  }

  fail(where: string, error: unknown): void {
    if (!this.#running) return;
    this.#running = false;
    this.#state = undefined;
    this.#touch();
    this.#failed(this, where, error);
  }

  /** 16 hex digits; empty when the service has failed. */
  hash(): string {
    this.#hash ??= this.guard('hash', () => hashState(this.#state));
    return this.#hash ?? '';
  }

  /** The same for states that are equal but for contents still to come; empty when the service has failed. */
  digest(): string {
    const { background } = this.definition.sync;
    if (background === undefined) return this.hash();
    this.#digest ??= this.guard('digest', () => background.digest(this.#state));
    return this.#digest ?? '';
  }

  /** When the service wants to expire something; null for never. */
  deadline(): bigint | null {
    if (this.#deadline === undefined) {
      const due = this.guard('deadline', () => this.definition.deadline?.(this.#state));
      this.#deadline = due ?? null;
    }
    return this.#deadline;
  }

  #touch(): void {
    this.#hash = undefined;
    this.#digest = undefined;
    this.#deadline = undefined;
  }
}
