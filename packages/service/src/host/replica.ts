/**
 * One service on this node: its definition, its committed state, and the wall around it. Whatever it
 * throws stops this service on this node and nothing else (ais.md D.1 row 15).
 *
 * A service that was loaded into a running cluster is `joining` until it has the state (ADR 0154): what is
 * ordered meanwhile waits in a backlog and is applied to the state it belongs to.
 */
import { decode, encode } from '../codec.ts';
import type { ServiceDefinition } from '../contract.ts';
import type { ServiceInfo } from '../host-contract.ts';
import { invariant } from '../invariant.ts';
import { JOIN_BACKLOG_MAX } from '../limits.ts';
import { hashState } from '../state-hash.ts';
import { disagreement, type Spoken, spokenBy } from '../versions.ts';

/** A state whose type only its service knows. */
export type State = unknown;

/** `joining`: loaded, without a state yet. `failed`: it threw. `stopped`: unloaded. */
export type ReplicaPhase = 'joining' | 'running' | 'failed' | 'stopped';

/** Service code that has the thread: what an observer outside of it may name when it never comes back. */
export interface Turns {
  begin(service: number): void;
  end(): void;
}

export interface ReplicaOptions {
  // biome-ignore lint/suspicious/noExplicitAny: services of one host differ in their states
  readonly definition: ServiceDefinition<any>;
  /** `joining` for a service that is loaded while the cluster runs. */
  readonly phase?: 'joining' | 'running';
  readonly turns?: Turns | undefined;
  /** Called once, when the service failed. */
  readonly failed: (replica: Replica, where: string, error: unknown) => void;
}

export class Replica {
  readonly id: number;
  readonly name: string;
  /** What all nodes of the view speak about it: nothing newer leaves this node (ADR 0173). */
  version: number;
  readonly #failed: ReplicaOptions['failed'];
  readonly #turns: Turns | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: see ReplicaOptions
  #definition: ServiceDefinition<any>;
  #state: State;
  #phase: ReplicaPhase;
  /** What it threw; empty until then. */
  #reason = '';
  /** Joining, and its place in the order is known: changes that wait for the state. */
  #backlog: { readonly where: string; readonly run: (state: State) => void }[] | undefined;
  /** Hash of the committed state, as long as nothing may have changed it. */
  #hash: string | undefined;
  /** Its digest, likewise: {@link SyncHandlers.digest} or the hash. */
  #digest: string | undefined;
  /** Its next deadlines, likewise. */
  #deadlines: { deadline?: bigint | null; steadyDeadline?: bigint | null } = {};

  constructor(options: ReplicaOptions) {
    this.#definition = options.definition;
    this.id = options.definition.id;
    this.name = options.definition.name;
    this.version = this.spoken.version;
    this.#failed = options.failed;
    this.#turns = options.turns;
    this.#phase = options.phase ?? 'running';
    this.guard('init', () => {
      this.#state = this.#definition.init();
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: see ReplicaOptions
  get definition(): ServiceDefinition<any> {
    return this.#definition;
  }

  /** What its code speaks. */
  get spoken(): Spoken {
    return spokenBy(this.#definition);
  }

  get phase(): ReplicaPhase {
    return this.#phase;
  }

  /** It has a state, and clients may connect. */
  get running(): boolean {
    return this.#phase === 'running';
  }

  get joining(): boolean {
    return this.#phase === 'joining';
  }

  get reason(): string {
    return this.#reason;
  }

  /** The committed state. Handlers that change it run inside {@link change}. */
  get state(): State {
    return this.#state;
  }

  /** Its state is this node's own: it is changed at once, and never sent or compared. */
  get isLocal(): boolean {
    return this.#definition.scope === 'node';
  }

  /** What another node would need of the state, when it speaks this version. */
  chunks(version = this.version): Iterable<unknown> {
    return this.isLocal ? [] : this.#definition.sync.save(this.#state, version);
  }

  /** Runs the service's code. @returns undefined when it threw: then the service has failed. */
  guard<T>(where: string, run: () => T): T | undefined {
    if (!this.running && !this.joining) return undefined;
    this.#turns?.begin(this.id);
    try {
      return run();
    } catch (error) {
      this.fail(where, error);
      return undefined;
    } finally {
      this.#turns?.end();
    }
  }

  /** Runs code that may change the committed state; while the service joins it waits for that state. */
  change<T>(where: string, run: (state: State) => T): T | undefined {
    if (this.joining) {
      if (this.#backlog === undefined) return undefined;
      this.guard(where, () => {
        invariant(this.#backlog!.length < JOIN_BACKLOG_MAX, 'too much happened while it joined', {
          events: this.#backlog!.length,
        });
        this.#backlog!.push({ where, run });
      });
      return undefined;
    }
    this.#touch();
    return this.guard(where, () => run(this.#state));
  }

  /** Its place in the order has come: from here on changes are kept for it. */
  holdBack(): void {
    if (this.joining) this.#backlog = [];
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

  /** Joining is over: what was held back is applied to the state. */
  run(): void {
    if (!this.joining) return;
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    this.#phase = 'running';
    for (const { where, run } of backlog) this.change(where, run);
  }

  /**
   * Other code for the same service: its state is saved by the old and loaded by the new code. What throws on
   * the way is thrown, and nothing has changed then.
   */
  // biome-ignore lint/suspicious/noExplicitAny: see ReplicaOptions
  adopt(definition: ServiceDefinition<any>): void {
    invariant(definition.id === this.id && definition.name === this.name, 'another service', {
      id: definition.id,
      name: definition.name,
    });
    const refused = disagreement(spokenBy(definition), this.version);
    if (refused !== undefined) throw new Error(refused);
    invariant(definition.scope === this.#definition.scope, 'another scope', {
      scope: definition.scope,
    });
    const state: State = definition.init();
    for (const chunk of this.#definition.sync.save(this.#state, this.version)) {
      const decoded = decode(encode(chunk));
      const fits = decoded.ok && definition.sync.chunk.check(decoded.value);
      invariant(fits, 'the new code does not take the chunks of the old one', {});
      definition.sync.load(state, decoded.value);
    }
    hashState(state);
    this.#definition = definition;
    this.replace(state);
  }

  fail(where: string, error: unknown): void {
    if (!this.#end('failed')) return;
    this.#reason = `${where}: ${messageOf(error)}`;
    this.#failed(this, where, error);
  }

  /** Taken out of service; nothing of it runs any more. */
  stop(): void {
    this.#end('stopped');
  }

  #end(phase: 'failed' | 'stopped'): boolean {
    if (!this.running && !this.joining) return false;
    this.#phase = phase;
    this.#state = undefined;
    this.#backlog = undefined;
    this.#touch();
    return true;
  }

  /** 16 hex digits; empty when the service has no state. */
  hash(): string {
    if (this.joining) return '';
    this.#hash ??= this.guard('hash', () => hashState(this.isLocal ? null : this.#state));
    return this.#hash ?? '';
  }

  /** The same for states that are equal but for contents still to come; empty when the service has failed. */
  digest(): string {
    const { digest } = this.definition.sync;
    if (digest === undefined || this.joining) return this.hash();
    this.#digest ??= this.guard('digest', () => digest(this.#state));
    return this.#digest ?? '';
  }

  /** When the service wants to expire something, by the wall clock; null for never. */
  deadline(): bigint | null {
    return this.#ask('deadline');
  }

  /** The same by this node's steady clock. */
  steadyDeadline(): bigint | null {
    return this.isLocal ? this.#ask('steadyDeadline') : null;
  }

  #ask(what: 'deadline' | 'steadyDeadline'): bigint | null {
    if (this.joining) return null;
    let due = this.#deadlines[what];
    if (due === undefined) {
      due = this.guard(what, () => this.#definition[what]?.(this.#state)) ?? null;
      this.#deadlines[what] = due;
    }
    return due;
  }

  #touch(): void {
    this.#hash = undefined;
    this.#digest = undefined;
    this.#deadlines = {};
  }
}

/** What was thrown, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const NO_VERSION = { releaseCode: '-', majorVersion: 0, minorVersion: 0 };

/** The service for people and tools. @param nodes who holds its state in this view. */
export function serviceInfo(
  { id, name, phase, reason, definition, spoken, version: inUse }: Replica,
  nodes: readonly number[],
): ServiceInfo {
  const newest = definition.versions.at(-1);
  const { releaseCode, majorVersion, minorVersion } = newest ?? NO_VERSION;
  const state = phase === 'stopped' ? 'failed' : phase;
  return {
    id,
    name,
    version: `${releaseCode}.${majorVersion}.${minorVersion}`,
    state,
    reason,
    nodes,
    speaks: [spoken.minVersion, spoken.version, inUse],
  };
}
