/**
 * The service host: runs service modules as replicated state machines on a group-messaging layer. It wires
 * the parts in `host/` (clients, requests, outbox, expiry, replicas) to the synchronisation in `sync/`.
 *
 * States change in three places only: when an ordered message is applied, when a synchronised view is
 * activated, and when an expiry is ordered; all three at the same place of the total order on all members.
 *
 * A message of a client whose node left cannot be ordered after that node's departure: a ring orders only what its
 * members send, and what a departed incarnation had queued died with it. So messages of nodes that are no
 * executives of the view are dropped; a new incarnation's clients have new numbers.
 */
import type { Group, GroupMessage, RingId } from '@aisexec/totem';
import type { ClientRef, Role, View } from './contract.ts';
import { Admissions } from './host/admissions.ts';
import { type Client, ClientTable, random32 } from './host/clients.ts';
import { EventContext } from './host/context.ts';
import { createCounters } from './host/counters.ts';
import { Doubt } from './host/doubt.ts';
import { Emitter } from './host/emitter.ts';
import { AIS_GROUP, decodeEnvelope, type Envelope, encodeEnvelope } from './host/envelope.ts';
import { Expiry } from './host/expiry.ts';
import { helloOf } from './host/hello.ts';
import { History } from './host/history.ts';
import { Loading } from './host/loading.ts';
import { applyExec, applyExpiry, applyGone, swapStates } from './host/ordered.ts';
import { Outbox } from './host/outbox.ts';
import { Replica, type ReplicaOptions, serviceInfo } from './host/replica.ts';
import { Requests } from './host/requests.ts';
import type { ClientSink, HostOptions, ServiceHost, ServiceInfo } from './host-contract.ts';
import { invariant } from './invariant.ts';
import { SERVICE_ID_MAX } from './limits.ts';
import { createSyncEngine, type SyncEngine } from './sync/engine.ts';
import { nodeSchema } from './sync/messages.ts';
import { createStateSync, type SyncOutcome } from './sync/state-sync.ts';

/**
 * A host for `options.services` on one node.
 * @throws InvariantError when two services share an id or a name, or an id is out of range.
 */
export function createServiceHost(options: HostOptions): ServiceHost {
  return new Host(options);
}

class Host implements ServiceHost {
  readonly #options: HostOptions;
  readonly #replicas = new Map<number, Replica>();
  readonly #emitter = new Emitter();
  readonly #clients: ClientTable;
  readonly #doubt: Doubt;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  readonly #expiry: Expiry;
  readonly #loading: Loading;
  readonly #admissions: Admissions;
  readonly #history = new History();
  readonly #listeners: ((view: View) => void)[] = [];
  readonly #counters = createCounters();
  /** The last synchronised view and its executives; handlers of local requests see it even while syncing. */
  #lastView: View | undefined;
  #members: ReadonlySet<number> = new Set();
  #syncing = true;
  #uniqueCounter: number;

  constructor(options: HostOptions) {
    const { node, messaging, random, wallClock, effects } = options;
    const { nodeId } = node;
    const fits = nodeSchema.check(node) && nodeId === messaging.nodeId;
    invariant(fits, 'node does not fit', { nodeId, messaging: messaging.nodeId });
    this.#options = options;
    this.#uniqueCounter = random32(random);
    this.#loading = this.#createLoading(options);
    for (const definition of options.services) this.#addService(definition);
    this.#clients = new ClientTable(node.nodeId, random32(random), this.#emitter);
    this.#doubt = new Doubt(this.#clients);
    const group: Group = messaging.join(AIS_GROUP, {
      deliver: (message) => this.#emitter.event(() => this.#deliver(message)),
      configuration: ({ type }) => {
        if (type === 'transitional') this.#doubt.begin();
      },
      drained: () => this.#emitter.event(() => this.#resume()),
    });
    this.#outbox = new Outbox(group);
    this.#requests = new Requests({
      nodeId: node.nodeId,
      clients: this.#clients,
      outbox: this.#outbox,
      wallClock,
      uniqueId: () => this.#uniqueId(),
      view: () => this.#lastView,
      counted: (what) => this.#counters[what]++,
    });
    this.#expiry = new Expiry({
      replicas: this.#replicas,
      watches: (service) => this.#loading.roster.nodes(service)[0] === node.nodeId,
      wallClock,
      setWake: (delayMs) => effects.setWake(delayMs),
      intend: (time) => this.#outbox.push(encodeEnvelope({ kind: 'expire', time }), 'agreed'),
    });
    this.#admissions = new Admissions({
      ...{ nodeId, replicas: this.#replicas, clients: this.#clients },
      expired: (client) => {
        this.#counters.clientsStale++;
        this.#clients.expire(client);
        this.#gone(client);
      },
    });
    this.#startSync();
  }

  #addService(definition: HostOptions['services'][number]): void {
    const { id, name } = definition;
    invariant(Number.isInteger(id) && id > 0 && id <= SERVICE_ID_MAX, 'service id', { id });
    invariant(!this.#replicas.has(id) && !this.#named(name), 'service twice', { id, name });
    const { turns } = this.#options;
    const failed: ReplicaOptions['failed'] = (...how) => this.#serviceFailed(...how);
    this.#replicas.set(id, new Replica({ definition, failed, turns }));
  }

  #createLoading({ node, turns, wallClock }: HostOptions): Loading {
    return new Loading({
      nodeId: node.nodeId,
      replicas: this.#replicas,
      turns,
      syncing: () => this.#syncing,
      multicast: (message) =>
        this.#outbox?.push(encodeEnvelope({ ...message, time: wallClock() }), 'agreed'),
      failed: (...how) => this.#serviceFailed(...how),
      closeClients: (replica, reason) => this.#closeClients(replica, reason),
      context: () =>
        this.#lastView === undefined ? undefined : this.#context(this.#lastView, wallClock()),
      trace: (event, detail) => this.#trace(event, detail),
    });
  }

  #named(name: string): Replica | undefined {
    for (const replica of this.#replicas.values()) if (replica.name === name) return replica;
    return undefined;
  }

  #startSync(): void {
    const { messaging } = this.#options;
    // The engine is made last: from its join on, synchronisation may run.
    let engine: SyncEngine | undefined;
    const dropped = (reason: string, source: number) => {
      this.#counters.syncDropped++;
      this.#trace('drop-message', { reason, source });
    };
    const stateSync = createStateSync({
      messaging,
      replicas: this.#replicas,
      hello: () => helloOf(this.#options, this.#history, this.#replicas.values()),
      activated: (outcome) => this.#emitter.event(() => this.#activate(outcome)),
      aborted: () => {
        this.#counters.syncAborts++;
        this.#trace('sync-abort', {});
      },
      proceed: () => engine?.proceed(),
      dropped,
    });
    engine = createSyncEngine({
      messaging,
      participants: [stateSync, ...(this.#options.participants ?? [])],
      started: (ringId) => this.#syncStarted(ringId),
      completed: (ringId) => this.#emitter.event(() => this.#syncCompleted(ringId)),
      dropped,
    });
  }

  connect(
    service: string,
    uid: number,
    sink: ClientSink,
    role: Role = uid === 0 ? 'operator' : 'user',
  ): ClientRef | undefined {
    const replica = this.#named(service);
    if (replica?.running !== true) return undefined;
    const client = this.#clients.add(replica, { uid, role, sink });
    this.#emitter.event(() => this.#admissions.connected(client));
    return client.ref;
  }

  request(ref: ClientRef, request: number, fn: string, argument: unknown): void {
    const client = this.#clients.get(ref);
    if (client === undefined) return;
    this.#emitter.event(() => this.#requests.submit(client, { request, fn, argument }));
  }

  disconnect(ref: ClientRef): void {
    const client = this.#clients.get(ref);
    if (client !== undefined) this.#forget(client);
  }

  wake(): void {
    this.#emitter.event(() => this.#expiry.wake());
  }

  get view(): View | undefined {
    return this.#syncing ? undefined : this.#lastView;
  }

  onView(listener: (view: View) => void): void {
    this.#listeners.push(listener);
  }

  stateHash(service: string): string {
    return this.#named(service)?.hash() ?? '';
  }

  inspect(service: string): unknown {
    const replica = this.#named(service);
    if (replica?.running !== true) return null;
    return replica.guard('inspect', () => replica.definition.inspect(replica.state)) ?? null;
  }

  get services(): readonly ServiceInfo[] {
    const all = [...this.#replicas.values(), ...this.#loading.waiting];
    return all
      .filter(({ phase }) => phase !== 'stopped')
      .map((replica) => serviceInfo(replica, this.#loading.roster.nodes(replica.id)));
  }

  load(definition: unknown): string | undefined {
    return this.#emitter.event(() => this.#loading.load(definition));
  }

  unload(name: string): string | undefined {
    this.#emitter.event(() => this.#loading.exit(name));
    return this.#emitter.event(() => this.#loading.unload(name));
  }

  leave(): void {
    for (const { name } of this.services) this.#emitter.event(() => this.#loading.exit(name));
  }

  reload(definition: unknown): string | undefined {
    return this.#emitter.event(() => this.#loading.reload(definition));
  }

  stats(): Readonly<Record<string, number>> {
    return { ...this.#counters, clients: this.#clients.size, outbox: this.#outbox.size };
  }

  #syncStarted(ringId: RingId): void {
    this.#syncing = true;
    this.#counters.syncStarts++;
    this.#outbox.close();
    this.#expiry.pause();
    this.#loading.interrupted();
    this.#trace('sync-start', { ringId });
  }

  /** The swap: from one event to the next the node has the merged states and the new view. */
  #activate({ ringId, plan, states }: SyncOutcome): void {
    const ids = plan.members.map(({ nodeId }) => nodeId);
    const { quorate } = this.#options.quorum.update(ringId, ids);
    const view: View = {
      ringId,
      members: plan.members,
      joined: plan.joined,
      left: plan.left,
      quorate,
    };
    const hadState = this.#history.lineage !== null;
    this.#lastView = view;
    this.#members = new Set(ids);
    this.#syncing = false;
    this.#history.begin(view, plan);
    const context = this.#context(view, plan.time);
    for (const [id, replica] of this.#replicas) {
      if (plan.services.get(id)?.diverged !== true) continue;
      this.#counters.diverged++;
      this.#trace('state-diverged', { service: replica.name });
    }
    swapStates(this.#replicas, { ringId, plan, states }, hadState ? context : undefined);
    this.#loading.view(plan.services);
    for (const replica of this.#replicas.values()) {
      const own = context.of(replica);
      replica.change('confchg', (state) => replica.definition.confchg?.(state, view, own));
    }
    this.#admissions.update();
    this.#doubt.end(quorate && !plan.joined.includes(this.#options.node.nodeId));
    this.#counters.views++;
    this.#trace('view', {
      ringId,
      members: ids,
      joined: plan.joined,
      left: plan.left,
      quorate,
      lineages: plan.lineages,
    });
    this.#expiry.view();
    for (const listener of this.#listeners) this.#emitter.emit(() => listener(view));
  }

  #syncCompleted(ringId: RingId): void {
    this.#trace('sync-done', { ringId });
    this.#loading.settled();
    this.#outbox.open();
    this.#resume();
  }

  #resume(): void {
    this.#outbox.flush();
    this.#requests.flush();
  }

  #deliver({ source, bytes }: GroupMessage): void {
    if (this.#syncing) {
      // Normal messages wait for the end of synchronisation; should an engine let one through, it is
      // dropped at the same place of the order everywhere.
      this.#counters.messagesInSync++;
      this.#trace('drop-message', { reason: 'ordered during synchronisation', source });
      return;
    }
    this.#history.count(source, bytes.length);
    if (!this.#members.has(source)) {
      this.#drop('sender is no executive', source);
      return;
    }
    const envelope = decodeEnvelope(bytes);
    if (envelope === undefined) {
      this.#drop('malformed message', source);
      return;
    }
    const context = this.#context(this.#lastView!, envelope.time);
    this.#apply(envelope, source, context);
    this.#admissions.update();
    this.#expiry.update();
  }

  #apply(envelope: Envelope, source: number, context: EventContext): void {
    switch (envelope.kind) {
      case 'expire':
        applyExpiry(this.#replicas, envelope.time, context);
        this.#expiry.applied(envelope.time);
        return;
      case 'gone':
        applyGone(this.#replicas, envelope, source, context);
        return;
      case 'exec': {
        const refused = applyExec(this.#replicas, envelope, source, context);
        if (refused === undefined) this.#counters.messagesApplied++;
        else this.#drop(refused, source);
        return;
      }
      default:
        this.#loading.deliver(envelope, source, context);
    }
  }

  #context(view: View, time: bigint): EventContext {
    return new EventContext({ view, order: this.#history.order, time }, this.#clients, this.#doubt);
  }

  #serviceFailed(replica: Replica, where: string, error: unknown): void {
    this.#counters.servicesFailed++;
    const message = error instanceof Error ? error.message : String(error);
    this.#trace('service-failed', { service: replica.name, where, message });
    this.#closeClients(replica, `service ${replica.name} failed`);
    this.#loading.failed(replica);
  }

  #closeClients(replica: Replica, reason: string): void {
    for (const client of this.#clients?.of(replica) ?? []) {
      this.#forget(client);
      this.#emitter.emit(() => client.sink.closed(reason));
    }
  }

  #drop(reason: string, source: number): void {
    this.#counters.messagesDropped++;
    this.#trace('drop-message', { reason, source });
  }

  #forget(client: Client): void {
    this.#clients.remove(client);
    this.#gone(client);
  }

  /** What a client asked for ends here, and in the order wherever a replica can know it. */
  #gone(client: Client): void {
    this.#requests.forget(client);
    if (!client.known) return;
    client.known = false;
    const gone = { service: client.replica.id, connection: client.ref.connection };
    const time = this.#options.wallClock();
    this.#outbox.push(encodeEnvelope({ kind: 'gone', ...gone, time }), 'agreed');
  }

  #uniqueId(): bigint {
    this.#uniqueCounter = (this.#uniqueCounter + 1) >>> 0;
    return (BigInt(this.#options.node.nodeId) << 32n) | BigInt(this.#uniqueCounter);
  }

  #trace(event: string, detail: Readonly<Record<string, unknown>>): void {
    this.#options.effects.trace({ event, detail });
  }
}
