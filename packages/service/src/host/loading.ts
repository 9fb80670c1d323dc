/**
 * Services that come and go while the cluster runs (ADR 0154, ADR 0155). A node that loads a service says so in
 * an ordered message; at that place the lowest node that holds the service saves its state, sends it in
 * pieces among the normal traffic, and the newcomer applies what was ordered meanwhile to it. Other services
 * and other nodes do not wait. A change of membership in the middle is no special case: the newcomer
 * says that it has no state, and the synchronisation brings it one.
 */
import { MESSAGE_BYTES_MAX } from '@aisexec/totem';
import { checkDefinition } from '../check-definition.ts';
import { decode, encode } from '../codec.ts';
import type { ServiceDefinition } from '../contract.ts';
import { invariant } from '../invariant.ts';
import { HANDOVER_WINDOW, STATE_BATCH_BYTES } from '../limits.ts';
import type { ServicePlan } from '../sync/plan.ts';
import { disagreement } from '../versions.ts';
import type { EventContext } from './context.ts';
import type { Envelope } from './envelope.ts';
import { Replica, type State, type Turns } from './replica.ts';
import { type Handover, Roster, type RosterChange } from './roster.ts';

// biome-ignore lint/suspicious/noExplicitAny: services of one host differ in their states
type AnyDefinition = ServiceDefinition<any>;
type RosterMessage = Extract<Envelope, { kind: 'join' | 'leave' | 'state' }>;
/** As the union is, without the time, which the host adds. */
type Outgoing = RosterMessage extends infer M
  ? M extends unknown
    ? Omit<M, 'time'>
    : never
  : never;

export interface LoadingOptions {
  readonly nodeId: number;
  readonly replicas: Map<number, Replica>;
  readonly turns: Turns | undefined;
  /** Whether synchronisation runs, or there is no view yet. */
  readonly syncing: () => boolean;
  readonly multicast: (message: Outgoing) => void;
  readonly failed: (replica: Replica, where: string, error: unknown) => void;
  /** Ends the replica's clients; their `gone` messages are on their way afterwards. */
  readonly closeClients: (replica: Replica, reason: string) => void;
  /** A state came outside of a synchronisation: contents that it lacks are to be fetched from these nodes first. */
  readonly arrived: (replica: Replica, holders: readonly number[]) => void;
  /** Ordered: a node does not run the service any more. */
  readonly left: (service: number, node: number) => void;
  /** For what happens outside of an ordered message. */
  readonly context: () => EventContext | undefined;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** A state that this node sends: what is left, and how many messages are under way. */
interface Sending {
  readonly service: number;
  readonly id: bigint;
  readonly batches: Uint8Array[][];
  underWay: number;
}

export class Loading {
  readonly roster = new Roster();
  readonly #options: LoadingOptions;
  /** Loaded while synchronisation ran: they start after it. */
  #later: Replica[] = [];
  readonly #sending: Sending[] = [];
  /** By service: the state that arrives for a joining replica. */
  readonly #arriving = new Map<number, State>();

  constructor(options: LoadingOptions) {
    this.#options = options;
  }

  load(definition: unknown): string | undefined {
    const { replicas, failed, turns, syncing, trace } = this.#options;
    const known = [...replicas.values(), ...this.#later].filter((one) => one.phase !== 'failed');
    const problem = checkDefinition(definition, known) ?? this.#clash(definition as AnyDefinition);
    if (problem !== undefined) return problem;
    const taken = definition as AnyDefinition;
    this.#forget(taken.id, taken.name);
    let early: string | undefined;
    const replica = new Replica({
      definition: taken,
      phase: 'joining',
      turns,
      failed: (one, where, error) => {
        early ??= one.reason;
        failed(one, where, error);
      },
    });
    if (early !== undefined) return early;
    trace('service-loading', { service: replica.name, id: replica.id });
    if (syncing()) this.#later.push(replica);
    else this.#begin(replica);
    return undefined;
  }

  /** What the service tells its clients before they are closed; it leaves before {@link unload}. */
  exit(name: string): void {
    const replica = this.#named(name);
    const ctx = this.#options.context();
    if (replica?.running !== true || ctx === undefined) return;
    replica.guard('exit', () => replica.definition.exit?.(replica.state, ctx.of(replica)));
  }

  /** What running services have against it that this node leaves. */
  askLeave(): readonly { readonly service: string; readonly reason: string }[] {
    return [...this.#options.replicas.values()].flatMap((replica) => {
      if (!replica.running) return [];
      const { definition, name } = replica;
      const reason = replica.guard('mayLeave', () => definition.mayLeave?.(replica.state));
      return reason === undefined ? [] : [{ service: name, reason: String(reason) }];
    });
  }

  unload(name: string): string | undefined {
    const { closeClients, multicast, syncing, trace } = this.#options;
    const replica = this.#named(name);
    if (replica === undefined) return `no service '${name}' is loaded here`;
    closeClients(replica, `service ${name} was unloaded`);
    const hadFailed = replica.phase === 'failed';
    replica.stop();
    this.#later = this.#later.filter((one) => one !== replica);
    this.#arriving.delete(replica.id);
    this.#stopSending(({ service }) => service === replica.id);
    if (!hadFailed) multicast({ kind: 'leave', service: replica.id });
    trace('service-unloaded', { service: name });
    // During a synchronisation others may wait for what this node was to send: it goes on as a failed one.
    if (!syncing()) this.#options.replicas.delete(replica.id);
    return undefined;
  }

  reload(definition: unknown): string | undefined {
    const { syncing, trace } = this.#options;
    const name = (definition as Partial<AnyDefinition> | undefined)?.name ?? '';
    const replica = this.#named(name);
    if (replica === undefined) return `no service '${name}' is loaded here`;
    if (replica.phase === 'failed') return this.load(definition);
    const problem = checkDefinition(definition, []);
    if (problem !== undefined) return problem;
    if (!replica.running || syncing()) return `${name} is being synchronised: try again`;
    try {
      replica.adopt(definition as AnyDefinition);
    } catch (error) {
      return `the state does not go over to the new code: ${(error as Error).message}`;
    }
    trace('service-reloaded', { service: name });
    return undefined;
  }

  /** This node's service failed: the others need not count on it. */
  failed(replica: Replica): void {
    this.#arriving.delete(replica.id);
    this.#stopSending(({ service }) => service === replica.id);
    this.#options.multicast({ kind: 'leave', service: replica.id });
  }

  /** Synchronisation starts: what was on its way is void. */
  interrupted(): void {
    this.#stopSending(() => true);
    this.#arriving.clear();
  }

  /** The view is synchronised: who takes part has the state now. */
  view(plans: ReadonlyMap<number, ServicePlan>): void {
    const { replicas, nodeId } = this.#options;
    this.roster.view(plans);
    for (const [id, replica] of replicas) {
      const plan = plans.get(id);
      if (plan !== undefined && plan.name !== replica.name && plan.name !== '') {
        replica.fail('load', new Error(`id ${id} is taken by '${plan.name}' on other nodes`));
      } else if (plan?.refused.has(nodeId) === true) {
        replica.fail('load', new Error(plan.refused.get(nodeId)));
      } else if (plan?.runners.includes(nodeId) === true) {
        replica.version = plan.version;
        replica.run();
      }
    }
  }

  /** Synchronisation is over. */
  settled(): void {
    const { replicas } = this.#options;
    for (const [id, { phase }] of replicas) if (phase === 'stopped') replicas.delete(id);
    for (const replica of replicas.values()) if (replica.joining) this.#announce(replica);
    const later = this.#later;
    this.#later = [];
    for (const replica of later) this.#begin(replica);
  }

  deliver(message: RosterMessage, source: number, context: EventContext): void {
    const { service } = message;
    if (message.kind === 'join') {
      if (source === this.#options.nodeId) this.#joined(message);
      this.#apply(this.roster.join(message, source, context.order), context);
    } else if (message.kind === 'leave') {
      this.#apply(this.roster.leave(service, source, context.order), context);
      this.#options.left(service, source);
    } else {
      this.#onState(message, source);
    }
  }

  /** This node's own join has its place in the order: does the service fit to those who hold it? */
  #joined({ service, name, spoken }: Extract<RosterMessage, { kind: 'join' }>): void {
    const replica = this.#options.replicas.get(service);
    const named = this.roster.nameOf(service) ?? name;
    const version = this.roster.versionOf(service) ?? spoken.version;
    const refused =
      named === name
        ? disagreement(spoken, version)
        : `id ${service} is taken by '${named}' on other nodes`;
    if (refused !== undefined) replica?.fail('load', new Error(refused));
    else if (replica !== undefined) replica.version = version;
  }

  get waiting(): readonly Replica[] {
    return this.#later;
  }

  /** An id that nodes of this view use for another service. */
  #clash({ id, name }: AnyDefinition): string | undefined {
    const named = this.roster.nameOf(id);
    if (named === undefined || named === name) return undefined;
    return `id ${id} is taken by '${named}' on nodes ${this.roster.nodes(id).join(', ')}`;
  }

  #named(name: string): Replica | undefined {
    return [...this.#options.replicas.values(), ...this.#later].find((one) => one.name === name);
  }

  /** Failed predecessors under the same id or name make room. */
  #forget(id: number, name: string): void {
    const { replicas } = this.#options;
    for (const [key, replica] of replicas) {
      if (replica.phase === 'failed' && (key === id || replica.name === name)) replicas.delete(key);
    }
  }

  #begin(replica: Replica): void {
    this.#options.replicas.set(replica.id, replica);
    this.#announce(replica);
  }

  #announce({ id, name, spoken }: Replica): void {
    this.#options.multicast({ kind: 'join', service: id, name, spoken });
  }

  #apply({ first, handovers }: RosterChange, context: EventContext): void {
    const { nodeId, replicas } = this.#options;
    for (const { service, to, sender, id } of handovers) {
      const replica = replicas.get(service);
      if (replica === undefined) continue;
      if (to === nodeId) this.#expectState(replica);
      if (sender === nodeId) this.#startSending(replica, id);
    }
    for (const node of first) if (node === nodeId) this.#startEmpty(context);
  }

  /** Nobody has a state: every joining service whose only holder is this node begins with its own. */
  #startEmpty(context: EventContext): void {
    const { nodeId, replicas, trace } = this.#options;
    for (const replica of replicas.values()) {
      const nodes = this.roster.nodes(replica.id);
      if (!replica.joining || nodes.length !== 1 || nodes[0] !== nodeId) continue;
      this.#arriving.delete(replica.id);
      replica.holdBack();
      replica.run();
      const { view } = context;
      const joined = view.members.map((member) => member.nodeId);
      replica.change('confchg', (state) =>
        replica.definition.confchg?.(state, { ...view, joined, left: [] }, context.of(replica)),
      );
      trace('service-running', { service: replica.name, nodes });
    }
  }

  #expectState(replica: Replica): void {
    replica.holdBack();
    const state = replica.guard('init', () => replica.definition.init() as State);
    if (replica.joining) this.#arriving.set(replica.id, state);
  }

  #startSending(replica: Replica, id: bigint): void {
    if (this.#sending.some((one) => one.id === id && one.service === replica.id)) return;
    // All at once: what is ordered next changes the state.
    const batches = replica.guard('save', () => batchesOf(replica));
    if (batches === undefined) return;
    const sending: Sending = { service: replica.id, id, batches, underWay: 0 };
    this.#sending.push(sending);
    this.#send(sending);
  }

  #send(sending: Sending): void {
    const { service, id, batches } = sending;
    while (sending.underWay < HANDOVER_WINDOW && batches.length > 0) {
      sending.underWay++;
      const chunks = batches.shift()!;
      this.#options.multicast({ kind: 'state', service, handover: id, chunks });
    }
    if (batches.length === 0) this.#stopSending((one) => one === sending);
  }

  #stopSending(isOver: (sending: Sending) => boolean): void {
    const kept = this.#sending.filter((one) => !isOver(one));
    this.#sending.splice(0, this.#sending.length, ...kept);
  }

  #onState(
    { service, handover, chunks }: Extract<RosterMessage, { kind: 'state' }>,
    source: number,
  ) {
    const { nodeId } = this.#options;
    if (source === nodeId) {
      const sending = this.#sending.find((one) => one.service === service && one.id === handover);
      if (sending !== undefined) {
        sending.underWay--;
        this.#send(sending);
      }
    }
    for (const one of this.roster.find(service, source, handover)) {
      if (one.to === nodeId) this.#receive(one, chunks);
      if (chunks.length === 0) this.roster.complete(one);
    }
  }

  #receive({ service, sender }: Handover, chunks: readonly Uint8Array[]): void {
    const replica = this.#options.replicas.get(service);
    if (replica === undefined || !this.#arriving.has(service)) return;
    const state = this.#arriving.get(service);
    const { sync } = replica.definition;
    replica.guard('load', () => {
      for (const bytes of chunks) {
        const chunk = decode(bytes);
        const fits = chunk.ok && sync.chunk.check(chunk.value);
        invariant(fits, 'state chunk does not fit its schema', { service: replica.name });
        sync.load(state, chunk.value);
      }
    });
    if (chunks.length > 0 || !replica.joining) return;
    this.#arriving.delete(service);
    replica.replace(state);
    replica.run();
    this.#options.arrived(replica, [sender]);
    this.#options.trace('service-running', { service: replica.name, from: sender });
  }
}

/** The state in messages; the empty one at the end says that it was all. */
function batchesOf(replica: Replica): Uint8Array[][] {
  const batches: Uint8Array[][] = [];
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const chunk of replica.chunks()) {
    const bytes = encode(chunk);
    invariant(bytes.length < MESSAGE_BYTES_MAX / 2, 'state chunk too large', {
      bytes: bytes.length,
    });
    if (batch.length > 0 && size + bytes.length > STATE_BATCH_BYTES) {
      batches.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(bytes);
    size += bytes.length;
  }
  return batch.length > 0 ? [...batches, batch, []] : [...batches, []];
}
