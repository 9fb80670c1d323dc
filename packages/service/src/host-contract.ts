/**
 * The service host as its embedder sees it: the executive puts IPC connections in front of it, the
 * simulator puts workloads. Synchronous and without I/O, clock or randomness.
 */
import type { GroupMessaging } from '@aisexec/totem';
import type {
  CallbackOptions,
  ClientRef,
  NodeInfo,
  Reply,
  Role,
  ServiceDefinition,
  View,
} from './contract.ts';
import type { Turns } from './host/replica.ts';
import type { QuorumFilter } from './quorum/contract.ts';
import type { SyncParticipant } from './sync/engine.ts';

/** One client, as the host sees it. Methods are called synchronously and must not throw. */
export interface ClientSink {
  /** Of the process behind it, whose clients share one way into the order (ADR 0225); undefined: it has its own. */
  readonly process?: number | undefined;
  reply(request: number, reply: Reply): void;
  callback(name: string, payload: unknown, options?: CallbackOptions): void;
  /** After {@link ServiceHost.isWaiting} was true: it is false now. */
  ready?(): void;
  /** The host ends the connection, e.g. because its service stopped; no call follows. */
  closed(reason: string): void;
}

export interface HostOptions {
  readonly node: NodeInfo;
  readonly messaging: GroupMessaging;
  // biome-ignore lint/suspicious/noExplicitAny: services of one host differ in their states
  readonly services: readonly ServiceDefinition<any>[];
  readonly quorum: QuorumFilter;
  /** Further steps of the synchronisation, like those of Corosync's services (corosync/citizen.ts). */
  readonly participants?: readonly SyncParticipant[];
  /** How state is fetched in the background, e.g. in tiny steps by a test; see limits.ts for the defaults. */
  readonly background?: BackgroundOptions;
  /** Nanoseconds since the Unix epoch. */
  readonly wallClock: () => bigint;
  /** A clock in ns that nobody sets, from anywhere on: for services of this node alone. */
  readonly steadyClock: () => bigint;
  /** Uniform in [0, 1), seeded. */
  readonly random: () => number;
  readonly effects: HostEffects;
  /** The version of its own messages that the host speaks (ADR 0197); default: the newest. */
  readonly speaks?: number;
  /** Told whose code has the thread. */
  readonly turns?: Turns;
}

export interface BackgroundOptions {
  /** Bytes that are asked for at once. */
  readonly wantBytes?: number;
  /** Requests that may be unanswered. */
  readonly wants?: number;
}

/** What a node still fetches of one service's state. */
export interface TransferProgress {
  readonly service: string;
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly piecesTotal: number;
  readonly piecesDone: number;
  /** When it began, ns since the Unix epoch. */
  readonly since: bigint;
  /** No member here has what is missing, and there is no quorum to give it up: waits for other members. */
  readonly waiting: boolean;
}

export interface HostEffects {
  /** Call `host.wake()` in `delayMs`; a later call replaces an earlier one, null cancels. */
  setWake(delayMs: number | null): void;
  trace(event: HostTraceEvent): void;
}

/** Stable kebab-case names: `view`, `sync-start`, `sync-done`, `sync-abort`, `service-failed`, `drop-message`, `transfer-start`, `transfer-done`, `state-lost`, `state-mismatch`, … */
export interface HostTraceEvent {
  readonly event: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface ServiceHost {
  /**
   * A client of a service connects. @param role what it may do; default: root is operator, others are users.
   * @returns its reference, or undefined when there is no such service.
   */
  connect(service: string, uid: number, sink: ClientSink, role?: Role): ClientRef | undefined;
  /**
   * One request. `request` is a number > 0, unique among the client's outstanding ones. The reply comes
   * through the sink, possibly before this returns. Unknown function: BAD_OPERATION reply; one that
   * the client's role does not cover: ACCESS.
   */
  request(client: ClientRef, request: number, fn: string, argument: unknown): void;
  /**
   * Whether so many requests of this client wait already that the next one would be answered TRY_AGAIN: who can
   * hold it back does, until `ready`. They wait for a view, for room, or because the client has its share
   * of messages on their way into the order (ADR 0193).
   */
  isWaiting(client: ClientRef): boolean;
  /** The client is gone; its ordered `clientGone` follows. Idempotent. */
  disconnect(client: ClientRef): void;
  /** The wake timer fired. */
  wake(): void;
  /** The current view; undefined before the first one and while synchronisation runs. */
  readonly view: View | undefined;
  /** Whether it has been in a view with others who brought a history in which something had happened. */
  readonly hasMet: boolean;
  /** Called synchronously after every view that was synchronised. */
  onView(listener: (view: View) => void): void;
  /**
   * The lowest member of the view asks all to compare their states at one place of the order: what differs is
   * traced as `state-mismatch` and counted. On other members, and while synchronisation runs: nothing. Every member
   * hashes whole states for it, about a second per 400 MB.
   */
  checkStates(): void;
  /**
   * The same as {@link stateHash} for comparing, but cheap for a service with contents in the background, and equal
   * while they are on their way.
   */
  digest(service: string): string;
  /** Hash of one service's replicated state, 16 hex digits; equal on all members at one place of the order. */
  stateHash(service: string): string;
  inspect(service: string): unknown;
  /** State that follows in the background (ADR 0126), by service; empty: this node has everything. */
  transfers(): readonly TransferProgress[];
  readonly services: readonly ServiceInfo[];
  /**
   * Runs one more service on this node (ADR 0154). It is `joining` until it has the state of the nodes that
   * run it already, at one place of the order; where none does it starts empty. A failed one is replaced.
   * @returns what is wrong with the definition; undefined when it was taken.
   */
  load(definition: unknown): string | undefined;
  /**
   * Stops a service on this node: its clients are closed. The other nodes go on; with the last one its state
   * is gone. @returns why not.
   */
  unload(name: string): string | undefined;
  /** Asks every running service whether this node may leave. @returns the objections. */
  askLeave(): readonly { readonly service: string; readonly reason: string }[];
  /** The executive leaves: every service may tell its clients so (`exit`). */
  leave(): void;
  /**
   * New code for a service that runs: the state is saved by the old and loaded by the new code between two
   * events, clients stay (ADR 0155). A failed service is loaded again. @returns why not: the old code goes on.
   */
  reload(definition: unknown): string | undefined;
  readonly quorum: QuorumControl;
  stats(): Readonly<Record<string, number>>;
}

/** What may be said to the quorum filters of all members. */
export interface QuorumControl {
  /** An operator's word. @returns why it cannot be said now; undefined: it is on its way. */
  setExpected(expected: number): string | undefined;
  /** This node is about to leave in good order. @returns whether it was sent. */
  announceLeave(): boolean;
}

export interface ServiceInfo {
  readonly id: number;
  readonly name: string;
  /** The newest generation it speaks, like `B.3.1`. */
  readonly version: string;
  /**
   * `joining`: loaded, its state is on its way. `failed`: an exception stopped this service on this node;
   * its clients are closed.
   */
  readonly state: 'running' | 'joining' | 'failed';
  /** Where it failed and with what; empty unless `failed`. */
  readonly reason: string;
  /** Nodes of the view that hold its state, ascending. */
  readonly nodes: readonly number[];
  /** Versions between nodes: the oldest and newest that this node's code speaks, and the one in use; null: it never ran. */
  readonly speaks: readonly [oldest: number, newest: number, inUse: number] | null;
}
