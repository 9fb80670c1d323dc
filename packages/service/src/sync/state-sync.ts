/**
 * The AIS participant of the synchronisation: brings all executives of a ring to one state, for all
 * services together, under one service id that Corosync takes for a dummy (totem-wire §4.6).
 *
 * Every executive says hello; from the hellos all compute one plan (plan.ts); for every service that
 * needs it the lowest *survivor of each old history* sends its state. Never the lowest of the new ring:
 * that lost all locks in openais when an empty node with the lowest id came (reliability.md §0.1). What
 * arrives is staged; an abort drops it and the committed state was never touched.
 */
import type { Group, GroupMessage, GroupMessaging, RingId } from '@aisexec/totem';
import { ringIdEquals } from '@aisexec/totem';
import { decode } from '../codec.ts';
import type { Replica } from '../host/replica.ts';
import type { QuorumConfiguration } from '../quorum/contract.ts';
import type { SyncParticipant, SyncStart } from './engine.ts';
import {
  decodeEnd,
  decodeHeader,
  decodeHello,
  encodeHello,
  type Hello,
  splitChunks,
} from './messages.ts';
import { planSync, type SyncPlan } from './plan.ts';
import { StagedPart, type StagedState, sendState, stage } from './transfer.ts';

/** Group of the state messages. */
export const STATE_SYNC_GROUP = 'ais-sync';
/** Our one id in Corosync's service list: free there (totem-wire §4.6). */
export const STATE_SYNC_ID = 40;

/** What a completed synchronisation hands to the host, on every member the same. */
export interface SyncOutcome {
  readonly ringId: RingId;
  readonly plan: SyncPlan;
  /** The executives with what their quorum filters told. */
  readonly configuration: QuorumConfiguration;
  /** New states by service id; a service that is missing keeps its own. */
  readonly states: ReadonlyMap<number, StagedState>;
}

export interface StateSyncOptions {
  readonly messaging: GroupMessaging;
  readonly replicas: ReadonlyMap<number, Replica>;
  /** This node's hello, taken when its synchronisation starts. */
  readonly hello: () => Hello;
  /** All hellos are there. Runs before this node's barrier: what it throws ends the node. */
  readonly proposed: (configuration: QuorumConfiguration) => void;
  readonly activated: (outcome: SyncOutcome) => void;
  readonly aborted: () => void;
  /** The engine's {@link SyncEngine.proceed}. */
  readonly proceed: () => void;
  readonly dropped: (reason: string, source: number) => void;
}

export function createStateSync(options: StateSyncOptions): SyncParticipant {
  return new StateSync(options);
}

class StateSync implements SyncParticipant {
  readonly id = STATE_SYNC_ID;
  readonly #options: StateSyncOptions;
  readonly #group: Group;
  readonly #hellos = new Map<number, Hello | undefined>();
  #start: SyncStart | undefined;
  #plan: SyncPlan | undefined;
  #configuration: QuorumConfiguration | undefined;
  #parts = new Map<number, StagedPart[]>();
  #states: Map<number, StagedState> | undefined;
  /** What this node still has to send, and the message the queue had no room for. */
  #outgoing: Generator<readonly Uint8Array[]>[] = [];
  #unsent: readonly Uint8Array[] | undefined;

  constructor(options: StateSyncOptions) {
    this.#options = options;
    this.#group = options.messaging.join(
      STATE_SYNC_GROUP,
      {
        deliver: (message) => this.#deliver(message),
        configuration: () => {},
        drained: () => options.proceed(),
      },
      { traffic: 'sync' },
    );
  }

  init(start: SyncStart): void {
    this.abort();
    this.#start = start;
    this.#unsent = encodeHello(start.ringId, this.#options.hello());
  }

  work(): boolean {
    this.#send();
    if (this.#plan === undefined || this.#unsent !== undefined) return false;
    const parts = [...this.#parts.values()].flat();
    if (!parts.every((part) => part.settled)) return false;
    this.#states ??= this.#stageAll();
    return true;
  }

  activate(): void {
    const outcome: SyncOutcome = {
      ringId: this.#start!.ringId,
      plan: this.#plan!,
      configuration: this.#configuration!,
      states: this.#states!,
    };
    this.#reset();
    this.#options.activated(outcome);
  }

  abort(): void {
    if (this.#start !== undefined) this.#options.aborted();
    this.#reset();
  }

  #reset(): void {
    this.#start = undefined;
    this.#plan = undefined;
    this.#configuration = undefined;
    this.#states = undefined;
    this.#unsent = undefined;
    this.#outgoing = [];
    this.#hellos.clear();
    this.#parts = new Map();
  }

  #send(): void {
    for (;;) {
      this.#unsent ??= this.#next();
      if (this.#unsent === undefined) return;
      if (!this.#group.multicast(this.#unsent, 'agreed')) return;
      this.#unsent = undefined;
    }
  }

  #next(): readonly Uint8Array[] | undefined {
    for (;;) {
      const current = this.#outgoing[0];
      if (current === undefined) return undefined;
      const next = current.next();
      if (next.done !== true) return next.value;
      this.#outgoing.shift();
    }
  }

  #deliver(message: GroupMessage): void {
    const { source, bytes } = message;
    const header = decodeHeader(bytes);
    if (header === undefined) {
      // The bytes of another version count as a hello without content: its sender is no executive to
      // us, on all members of our version alike, and the others need not wait for it.
      this.#options.dropped('malformed state message', source);
      this.#onHello(source, undefined);
    } else if (this.#start === undefined || !ringIdEquals(header.ringId, this.#start.ringId)) {
      return;
    } else if (header.kind === 'hello') {
      this.#onHello(source, decodeHello(bytes, source));
    } else {
      this.#onState(source, header.service, header.kind, bytes);
    }
    this.#options.proceed();
  }

  #onHello(source: number, hello: Hello | undefined): void {
    const start = this.#start;
    if (start === undefined || !start.members.includes(source) || this.#hellos.has(source)) return;
    this.#hellos.set(source, hello);
    if (this.#hellos.size < start.members.length) return;
    const valid = new Map<number, Hello>();
    for (const [node, one] of this.#hellos) if (one !== undefined) valid.set(node, one);
    this.#plan = planSync(start.ringId, valid);
    this.#configuration = {
      ringId: start.ringId,
      members: this.#plan.members.map(({ nodeId }) => ({ nodeId, ...saidIn(valid.get(nodeId)) })),
      time: this.#plan.time,
    };
    this.#options.proposed(this.#configuration);
    this.#prepare(this.#plan);
  }

  #prepare(plan: SyncPlan): void {
    for (const [id, service] of plan.services) {
      if (!service.transfer) continue;
      const only = service.parts.length === 1 ? service.parts[0]! : undefined;
      const holds = only?.nodes.includes(this.#self) === true;
      const replica = holds ? undefined : this.#options.replicas.get(id);
      this.#parts.set(
        id,
        service.parts.map((part) => new StagedPart(part, replica)),
      );
      this.#sendIfOurs(id);
    }
  }

  #onState(source: number, service: number, kind: 'chunks' | 'end', bytes: Uint8Array): void {
    const part = this.#parts
      .get(service)
      ?.find((candidate) => !candidate.settled && candidate.sender === source);
    if (part === undefined) {
      this.#options.dropped('state nobody waits for', source);
      return;
    }
    if (kind === 'chunks') {
      const chunks = splitChunks(bytes);
      if (chunks === undefined) this.#options.dropped('malformed state chunks', source);
      else part.load(chunks);
      return;
    }
    const complete = decodeEnd(bytes);
    part.end(complete);
    if (!complete) this.#sendIfOurs(service, part);
  }

  /** Starts sending where this node is the sender: of all parts at first, of one that needs another sender. */
  #sendIfOurs(id: number, only?: StagedPart): void {
    const replica = this.#options.replicas.get(id);
    for (const part of only === undefined ? (this.#parts.get(id) ?? []) : [only]) {
      if (part.sender !== this.#self || replica === undefined) continue;
      const { version } = this.#plan!.services.get(id)!;
      this.#outgoing.push(sendState(replica, this.#start!.ringId, version));
    }
  }

  #stageAll(): Map<number, StagedState> {
    const states = new Map<number, StagedState>();
    for (const [id, parts] of this.#parts) {
      const replica = this.#options.replicas.get(id);
      const only = parts.length === 1 ? parts[0]! : undefined;
      if (replica === undefined || only?.plan.nodes.includes(this.#self) === true) continue;
      const staged = stage(replica, parts);
      if (staged !== undefined) states.set(id, staged);
    }
    return states;
  }

  get #self(): number {
    return this.#options.messaging.nodeId;
  }
}

function saidIn(hello: Hello | undefined): { readonly said?: unknown } {
  const decoded = hello?.quorum === undefined ? undefined : decode(hello.quorum);
  return decoded?.ok === true ? { said: decoded.value } : {};
}
