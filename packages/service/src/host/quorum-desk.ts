/**
 * The host's dealings with its quorum filter: what the hello tells of it, the ordered messages that concern it, and
 * the view that follows when its word changes between two configurations.
 */
import { encode } from '../codec.ts';
import type { View } from '../contract.ts';
import type { QuorumControl } from '../host-contract.ts';
import { invariant } from '../invariant.ts';
import { QUORUM_SAID_BYTES_MAX } from '../limits.ts';
import type { QuorumConfiguration, QuorumFilter } from '../quorum/contract.ts';
import type { Hello } from '../sync/messages.ts';
import type { EventContext } from './context.ts';
import type { Emitter } from './emitter.ts';
import { type Envelope, encodeEnvelope } from './envelope.ts';
import type { History } from './history.ts';
import { tellServices } from './ordered.ts';
import type { Outbox } from './outbox.ts';
import type { ReplicaTable } from './replica-table.ts';

export interface QuorumDeskOptions {
  readonly nodeId: number;
  readonly filter: QuorumFilter;
  readonly wallClock: () => bigint;
  readonly outbox: Outbox;
  readonly replicas: ReplicaTable;
  readonly history: History;
  readonly emitter: Emitter;
  readonly listeners: readonly ((view: View) => void)[];
  /** The current view; undefined while synchronisation runs. */
  readonly view: () => View | undefined;
  /** The same view with the filter's new word takes its place. */
  readonly judged: (view: View) => void;
  readonly context: (view: View, time: bigint) => EventContext;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

export class QuorumDesk implements QuorumControl {
  readonly #options: QuorumDeskOptions;
  /** Of the last event that concerned quorum, by its sender's clock. */
  #time = 0n;

  constructor(options: QuorumDeskOptions) {
    this.#options = options;
    options.filter.onChange?.(() => options.emitter.event(() => this.#changed()));
  }

  /** @throws InvariantError when the filter tells more than `QUORUM_SAID_BYTES_MAX`. */
  hello(): Pick<Hello, 'quorum'> {
    const said = this.#options.filter.tell?.();
    if (said === undefined) return {};
    const quorum = encode(said);
    const bytes = quorum.length;
    invariant(bytes <= QUORUM_SAID_BYTES_MAX, 'the quorum filter tells too much', { bytes });
    return { quorum };
  }

  /** A synchronised configuration. @returns whether it is quorate. */
  update(configuration: QuorumConfiguration): boolean {
    this.#time = configuration.time ?? 0n;
    return this.#options.filter.update(configuration).quorate;
  }

  /** The filter's deadline, where this node watches it. */
  deadline(): bigint | null {
    const { view, nodeId, filter } = this.#options;
    return view()?.members[0]?.nodeId === nodeId ? (filter.deadline?.() ?? null) : null;
  }

  /**
   * By this node's clock something is due. What lets a smaller part be quorate must have reached all members of the
   * larger one before any of them acts on it: `safe`.
   */
  readonly expiry = {
    further: () => this.deadline(),
    intend: (time: bigint): void => {
      const due = this.deadline();
      if (due !== null && due <= time) this.#push('expired', 0, time);
      this.#options.outbox.push(encodeEnvelope({ kind: 'expire', time }), 'agreed');
    },
  };

  /** An ordered message of the filter. */
  apply({ what, value, time }: Extract<Envelope, { kind: 'quorum' }>, source: number): void {
    const { filter } = this.#options;
    this.#time = time;
    if (what === 'leaving') filter.leaving?.(source);
    else if (what === 'expired') filter.expire?.(time);
    else filter.setExpected?.(value);
    this.#changed();
  }

  setExpected(expected: number): string | undefined {
    const { filter, view } = this.#options;
    if (filter.refusesExpected === undefined) return `provider ${filter.name} expects no votes`;
    if (view() === undefined) return 'the ring is forming';
    const refused = filter.refusesExpected(expected);
    if (refused !== undefined) return refused;
    return this.#say('expected', expected) ? undefined : 'the queue is full';
  }

  announceLeave(): boolean {
    const { filter, view } = this.#options;
    const counts = filter.leaving !== undefined || filter.submit !== undefined;
    return counts && view() !== undefined && this.#say('leaving', 0);
  }

  #say(what: 'expected' | 'leaving', value: number): boolean {
    const { filter, wallClock } = this.#options;
    if (filter.submit !== undefined) return filter.submit(what, value);
    this.#push(what, value, wallClock());
    return true;
  }

  #push(what: 'expected' | 'leaving' | 'expired', value: number, time: bigint): void {
    this.#options.outbox.push(encodeEnvelope({ kind: 'quorum', what, value, time }), 'safe');
  }

  #changed(): void {
    const { filter, replicas, history, emitter, listeners, judged, context, trace } = this.#options;
    const { quorate } = filter.state;
    const last = this.#options.view();
    if (last === undefined) return;
    const view = last.quorate === quorate ? last : { ...last, joined: [], left: [], quorate };
    if (view !== last) {
      judged(view);
      history.judged(view);
      tellServices(replicas, view, context(view, this.#time));
      trace('quorum', { ringId: view.ringId, quorate });
    }
    for (const listener of listeners) emitter.emit(() => listener(view));
  }
}
