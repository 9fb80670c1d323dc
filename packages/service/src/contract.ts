/**
 * How a service is written (the devmap's handler structure, AIS inventory A.6 and E.4).
 *
 * A service is one replicated state and pure functions on it. A client's request enters at its own node
 * through a *library handler*, which only validates and multicasts. The *exec handler* of the message
 * runs on every node at the same place of the total order; it alone changes state, and its reply leaves
 * only from the node whose client asked. Nothing in here may read a clock, draw random numbers or know
 * on which node it runs.
 *
 * The state is plain data: objects, arrays, Map, Set, string, number, bigint, boolean, null,
 * Uint8Array. The host hashes it as it is to compare replicas: fields of objects in any order, Maps and
 * Sets in theirs, because handlers that iterate them act in that order (ADR 0042).
 */
import type { SaAisErrorT, SaVersionT } from '@aisexec/ais';
import type { Guarantee, RingId } from '@aisexec/totem';
import type { Schema } from './schema.ts';

/** A client connection, unique among the connections alive in the cluster. Plain data. */
export interface ClientRef {
  readonly node: number;
  readonly connection: number;
}

/** Where an ordered message came from. `request` 0: no reply is awaited. Plain data: may be kept in state. */
export interface Source extends ClientRef {
  readonly request: number;
}

/** `rc` and the out-parameters under their C names. Must be packable by msgpack (bigint for 64 bit). */
export interface Reply {
  readonly rc: SaAisErrorT;
  readonly [out: string]: unknown;
}

/** A message of the service that takes back what its client was denied after all: see `replyWhenCertain`. */
export interface Undo {
  readonly exec: string;
  readonly message: unknown;
}

/**
 * What a client may do with a service, each including the one before (ADR 0174): look at it, use it,
 * run it. The executive decides who has which role, by the kernel's word on the client.
 */
export type Role = 'reader' | 'user' | 'operator';

/** How a callback waits for a client that reads slowly. */
export interface CallbackOptions {
  /** 0 (default, highest) to 3: the client's queue is served in this order, first come first served within. */
  readonly priority?: number;
  /**
   * Given: this callback may be dropped when the client's queue is full, lower priorities first, and this
   * one is delivered once in the place of all that were dropped. Absent: a full queue ends the connection.
   */
  readonly lost?: { readonly name: string; readonly payload: unknown };
}

/** What every member tells about itself when a view is formed. */
export interface NodeInfo {
  readonly nodeId: number;
  readonly name: string;
  readonly address: { readonly family: 'inet' | 'inet6'; readonly text: string };
  /** Nanoseconds since the Unix epoch. */
  readonly bootTime: bigint;
}

/** The membership in which services act: a regular configuration after its synchronisation. */
export interface View {
  readonly ringId: RingId;
  /** Executives in this ring, ascending by nodeid. */
  readonly members: readonly NodeInfo[];
  /**
   * Members that did not come along with the winning history: fresh nodes, new incarnations, and nodes of
   * other histories, whose clients are alive. Ascending.
   */
  readonly joined: readonly number[];
  /**
   * Former members, of any of the histories that met here, of which no living incarnation brought a state:
   * they are gone, or are a new incarnation (then in `joined`, too). Every client of such a node that the
   * state may know is dead, so strip all of them. A node that comes back with a history of its own is
   * never in here: see {@link StatePart.members} for its clients. Ascending; may name nodes that the
   * state has never heard of.
   */
  readonly left: readonly number[];
  /** Whether this history may grant locks and the like: the quorum filter's word. */
  readonly quorate: boolean;
}

/** What a library handler may do, at the client's node only. It must not change a replicated state. */
export interface LibContext {
  readonly nodeId: number;
  readonly client: ClientRef;
  readonly view: View;
  /** Wall clock in ns, to be put into messages. */
  readonly now: bigint;
  /** See {@link ExecContext.steady}. */
  readonly steady: bigint;
  /** uid of the client's process; -1 where the platform does not tell. */
  readonly uid: number;
  /** The version that all nodes of the view speak, see {@link ServiceDefinition.version}. */
  readonly version: number;
  /** A number unique in the cluster: nodeid in the upper 32 bits, a counter in the lower. */
  uniqueId(): bigint;
  /** Submit an ordered message in the client's name; the exec handler replies. */
  multicast(exec: string, message: unknown, guarantee?: Guarantee): void;
  /**
   * A read met a piece that is still to come in the background: it comes next. For services with
   * {@link SyncHandlers.background}; the reply says TRY_AGAIN. @returns false: no member here can give it for now.
   */
  fetchFirst(piece: unknown): boolean;
  /** Callback to this handler's own client, see {@link ExecContext.callback}. */
  callback(name: string, payload: unknown, options?: CallbackOptions): void;
}

export interface ExecContext {
  readonly view: View;
  /**
   * This place in the total order: counts up from ring sequence * 2^32, or from above the highest order
   * that any member has seen if that is more (ADR 0041). The same on all members; strictly rises along
   * a quorate history, over restarts and merges: the fencing token. A view change takes one, too.
   */
  readonly order: bigint;
  /** The version that all nodes of the view speak, see {@link ServiceDefinition.version}. */
  readonly version: number;
  /** The sender's wall clock in ns at submission (for a view change or expiry: the coordinator's). */
  readonly time: bigint;
  /**
   * For services of one node: a clock in ns that nobody sets, which began somewhere (ADR 0198). Each node has
   * its own, so that a replicated service sees 0.
   */
  readonly steady: bigint;
  /** Answer a client; a no-op on every node but the client's, and when the client is gone. */
  reply(source: Source, reply: Reply): void;
  /**
   * The same, for a reply that promises what only a lasting history can keep: when a partition was already on
   * its way and this side turns out to be without quorum, or its history loses, `doubtful` leaves instead, and `undo`
   * is ordered in the client's name. True only of what was ordered `safe`, or comes with a view.
   * What this client is replied or called back afterwards waits behind it.
   */
  replyWhenCertain(source: Source, reply: Reply, doubtful: Reply, undo?: Undo): void;
  /** Queue a callback to a client; a no-op on every node but the client's. */
  callback(client: ClientRef, name: string, payload: unknown, options?: CallbackOptions): void;
}

export interface LibHandler<State, Request> {
  /** What does not fit is answered INVALID_PARAM and the handler never runs. */
  readonly request: Schema<Request>;
  /**
   * The out-parameters of a reply whose `rc` is OK. Where it is declared, the compliance suite and the test
   * cluster hold every such reply against it, whichever handler it comes from.
   */
  readonly reply?: Schema<unknown>;
  /**
   * `ordered`: will multicast; waits while synchronisation runs or the queue is full, in order with the
   * client's other requests. `local`: answered from this node's state at once, quorate or not.
   */
  readonly flow: 'ordered' | 'local';
  /** What a client needs to make this call, perhaps by its request; less is answered ACCESS. Default: user. */
  readonly role?: Role | ((request: Request) => Role);
  /** A reply now, or nothing: then the exec handler (or a later message) replies. */
  readonly handle: (state: State, request: Request, ctx: LibContext) => Reply | undefined;
}

export interface ExecHandler<State, Message> {
  /** The first {@link ServiceDefinition.version} that knows this message; sending it below is a defect. Default 1. */
  readonly since?: number;
  readonly message: Schema<Message>;
  /** A total function: stale, duplicate or unknown ids are answered or ignored, never thrown at. */
  readonly apply: (state: State, message: Message, source: Source, ctx: ExecContext) => void;
}

/** One old ring's state in a merge. */
export interface StatePart<State> {
  readonly state: State;
  /**
   * The nodes that come with this state, ascending. For what belongs to a client of node n, the part with
   * n among its members is the only witness: copies in other parts date from before the separation and may
   * have ended since. A merge keeps from each part what belongs to clients of the part's own members; what
   * belongs to nodes of no part is stripped in `confchg`, where they are in `left`.
   */
  readonly members: readonly number[];
  readonly ringId: RingId;
  readonly quorate: boolean;
  /**
   * Of what is changed by safe messages in quorate views alone this part holds nothing but an older copy: it had no quorum
   * while the winner's history had one after it (ADR 0127), or its nodes slept in a ring that another part went
   * through (ADR 0203).
   */
  readonly superseded?: boolean;
}

export interface SyncHandlers<State, Chunk> {
  readonly chunk: Schema<Chunk>;
  /**
   * Chunks that rebuild the state, the order of its Maps and Sets included, when folded into a fresh one.
   * They are read by code of any version from `version` on, the one that all nodes speak, so nothing newer is in them.
   * Each packs to well below 1 MiB; plain objects and arrays only, since msgpack turns a Map into an object.
   */
  readonly save: (state: State, version: number) => Iterable<Chunk>;
  /**
   * Whether these chunks are all that a node of this version needs. false: the next holder is asked to send. Absent:
   * always. For a service of whose contents a node may lack some while an older version wants them whole.
   */
  readonly canSave?: (state: State, version: number) => boolean;
  readonly load: (state: State, chunk: Chunk) => void;
  /**
   * One state out of two or more, the same on every node. The parts come winner first: the history whose
   * last quorate ring is the younger, then the higher ring sequence, then the lower representative, the
   * longer history, the more nodes, the lowest node. May consume the parts. Objects may be in several parts, the parts having been
   * one once. When a service has diverged, two parts may even be of one ring: merge all the same.
   */
  readonly merge: (parts: readonly StatePart<State>[]) => State;
  /**
   * What stands for the state when replicas are compared, up to 16 characters: of equal states equal, of others
   * another one. Taken at each view change that follows a change, so it must not cost what the state is large: keep sums
   * that each change corrects (`sum52`). Absent: a hash of the whole state, fine for small ones. With
   * {@link background} it must be here, and stand for contents by their versions: for whoever lacks them, too.
   */
  readonly digest?: (state: State) => string;
  /** Given: chunks may leave contents out, which follow while clients work. */
  // biome-ignore lint/suspicious/noExplicitAny: each service has its own pieces
  readonly background?: BackgroundSync<State, any>;
}

/**
 * State that follows in the background (ADR 0126). After a synchronisation every member has all of the state that
 * decides what a message does and what is replied; contents that only reads look at may be absent at some of
 * them. The host fetches those piece by piece, in the one order: a request for pieces is ordered, its donor
 * answers with their contents *as of that place*, and until the answer is delivered whoever lacks them
 * remembers what is written to them. What is absent is each replica's own affair: it must not change
 * results, sizes or callbacks' number, only answer TRY_AGAIN where a local read needs it.
 */
export interface BackgroundSync<State, Piece> {
  /** Names a piece; plain and small. */
  readonly piece: Schema<Piece>;
  /** Largest content of a piece. */
  readonly pieceBytesMax: number;
  /** A state was replaced: takes over every content that `before` has already. */
  readonly adopt: (before: State, after: State) => void;
  /** Every piece that this replica lacks. */
  readonly lacking: (state: State) => Iterable<{ readonly piece: Piece; readonly bytes: number }>;
  /** From here on remembers what is written to the piece. @returns false: it is here, awaited, or there is none. */
  readonly awaits: (state: State, piece: Piece, asked: bigint) => boolean;
  /** Content at this place; undefined: this replica lacks it, or there is no such piece. */
  readonly give: (state: State, piece: Piece) => Uint8Array | undefined;
  /**
   * Content as of place `asked`, the service's own from now on, or undefined: it will not come, forget. Ignored where
   * nothing of that place is awaited.
   */
  readonly settle: (
    state: State,
    piece: Piece,
    asked: bigint,
    content: Uint8Array | undefined,
  ) => void;
  /** Ordered; no member has this piece any more. Gives up what it belongs to. @returns false: it is not lost. */
  readonly lost: (state: State, piece: Piece, ctx: ExecContext) => boolean;
}

export interface ServiceDefinition<State> {
  /** 1..63, unique in the executive: the service half of every message id and the order of sync. */
  readonly id: number;
  /** Short name that clients and the config use, e.g. `lck`. */
  readonly name: string;
  readonly versions: readonly Readonly<SaVersionT>[];
  /**
   * Version of what nodes say to each other about this service: messages, chunks and what they mean. Raise it
   * with every change of these; what is new is done from `ctx.version` on, which is what all nodes of
   * the view understand (ADR 0173). 1 to 65,535; default 1.
   */
  readonly version?: number;
  /** The oldest of these that this code still speaks; default 1. */
  readonly minVersion?: number;
  /** `cluster` when absent: one replicated state. `node`: see {@link defineNodeService}. */
  readonly scope?: 'cluster' | 'node';
  /** A fresh, empty state. */
  readonly init: () => State;
  // biome-ignore lint/suspicious/noExplicitAny: handlers of one table differ in their request types
  readonly lib: Readonly<Record<string, LibHandler<State, any>>>;
  // biome-ignore lint/suspicious/noExplicitAny: handlers of one table differ in their message types
  readonly exec: Readonly<Record<string, ExecHandler<State, any>>>;
  /** A new view, after its synchronisation and on the merged state. Clients of `left` nodes are gone. */
  readonly confchg?: (state: State, view: View, ctx: ExecContext) => void;
  /**
   * A client closed its connection or died. Ordered, once per client, unless its node left first. Not called
   * for a client that never had an ordered message: no state can know it.
   * @returns true when this was a step, and something of the client is left: called again, ordered, until it is not
   * (ADR 0194). What a client can have much of goes in steps; nothing of it may be granted anything between them.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most services need one step and return nothing
  readonly clientGone?: (state: State, client: ClientRef, ctx: ExecContext) => boolean | void;
  /**
   * Only on a node that had a view before and whose state was replaced, by another history's or a merged
   * one: what do local clients need to be told? Runs before `confchg`. Must change neither state.
   */
  readonly replaced?: (before: State, after: State, ctx: ExecContext) => void;
  /**
   * The earliest time (ns) at which `expire` has something to do; null for never. Asked after every
   * message of the service: make it cheap.
   */
  readonly deadline?: (state: State) => bigint | null;
  /** The same on the clock `ctx.steady`; for services of one node only. */
  readonly steadyDeadline?: (state: State) => bigint | null;
  /**
   * Ordered: the coordinator's clock has passed the deadline. Drop what is due at `ctx.time`, so that the
   * next deadline is later; an expiry that leaves its deadline is repeated once a second.
   */
  readonly expire?: (state: State, ctx: ExecContext) => void;
  // biome-ignore lint/suspicious/noExplicitAny: each service has its own chunk type
  readonly sync: SyncHandlers<State, any>;
  /**
   * This node stops running the service (it is unloaded or the executive leaves): tell local clients what
   * they should know. Runs before they are closed, on this node only: must not change the state.
   */
  readonly exit?: (state: State, ctx: ExecContext) => void;
  /**
   * Whether this node may leave the cluster in good order: a text is the reason why not now. Must not change the
   * state. The operator may overrule it.
   */
  readonly mayLeave?: (state: State) => string | undefined;
  /**
   * The membership service only, one in an executive: the number of the node's present admission to the
   * cluster, another one after each removal; null while the node is no member.
   */
  readonly admission?: (state: State, nodeId: number) => bigint | null;
  /**
   * For clients of members only, where a service tells who is one ({@link admission}): a client whose node is no
   * member, or was removed since it connected, is answered UNAVAILABLE and is gone for the replicas.
   */
  readonly membersOnly?: boolean;
  /** The state for people and tools: JSON-safe (no bigint: decimal strings). */
  readonly inspect: (state: State) => unknown;
}

/** Declares a service; the identity function, for the types. */
export function defineService<State>(
  definition: ServiceDefinition<State>,
): ServiceDefinition<State> {
  return definition;
}

/** A service of one node: nothing of it is ordered, so it has no messages and nothing to merge. */
export interface NodeServiceDefinition<State>
  extends Omit<ServiceDefinition<State>, 'scope' | 'exec' | 'sync' | 'replaced'> {
  // biome-ignore lint/suspicious/noExplicitAny: each service has its own chunk type
  readonly sync: Omit<SyncHandlers<State, any>, 'merge'>;
}

/**
 * Declares a service whose state belongs to one node and its clients (ADR 0182). Its library handlers are
 * `local` and may change the state; `deadline` and `expire` go by this node's clocks, `clientGone` comes at
 * once, and none of it waits for the ring, for quorum or for a synchronisation. `save` and `load` hand the
 * state over when the service's code is reloaded; it never travels to another node.
 */
export function defineNodeService<State>(
  definition: NodeServiceDefinition<State>,
): ServiceDefinition<State> {
  // No state of another node ever comes: what a merge gets is fresh.
  const merge: SyncHandlers<State, unknown>['merge'] = () => definition.init();
  return { ...definition, scope: 'node', exec: {}, sync: { ...definition.sync, merge } };
}

/** Declares one library handler with its request type inferred from the schema. */
export function libHandler<State, Request>(
  handler: LibHandler<State, Request>,
): LibHandler<State, Request> {
  return handler;
}

/** Declares one exec handler with its message type inferred from the schema. */
export function execHandler<State, Message>(
  handler: ExecHandler<State, Message>,
): ExecHandler<State, Message> {
  return handler;
}
