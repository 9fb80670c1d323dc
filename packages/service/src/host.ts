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
import type { GroupMessage, RingId } from '@aisexec/totem';
import type { ClientRef, Role, View } from './contract.ts';
import { Background } from './host/background.ts';
import { Clientele } from './host/clientele.ts';
import { ClientTable, random32, uniqueIds } from './host/clients.ts';
import { EventContext } from './host/context.ts';
import { createCounters } from './host/counters.ts';
import { Doubt } from './host/doubt.ts';
import { Emitter } from './host/emitter.ts';
import { AIS_GROUP, decodeEnvelope, type Envelope, encodeEnvelope } from './host/envelope.ts';
import { Expiry } from './host/expiry.ts';
import { helloOf } from './host/hello.ts';
import { History } from './host/history.ts';
import { Loading } from './host/loading.ts';
import * as ordered from './host/ordered.ts';
import { Outbox } from './host/outbox.ts';
import { QuorumDesk } from './host/quorum-desk.ts';
import { messageOf, type Replica, type ReplicaOptions, serviceInfo } from './host/replica.ts';
import { ReplicaTable } from './host/replica-table.ts';
import { Speech } from './host/speech.ts';
import { StateCheck } from './host/state-check.ts';
import { startSynchronisation } from './host/synchronisation.ts';
import type {
  ClientSink,
  HostOptions,
  ServiceHost,
  ServiceInfo,
  TransferProgress,
} from './host-contract.ts';
import { invariant } from './invariant.ts';
import { nodeSchema } from './sync/messages.ts';
import type { SyncOutcome } from './sync/state-sync.ts';

/** A host for `options.services` on one node. @throws InvariantError for services that share an id or a name. */
export function createServiceHost(options: HostOptions): ServiceHost {
  return new Host(options);
}

class Host implements ServiceHost {
  readonly #options: HostOptions;
  readonly #replicas = new ReplicaTable();
  readonly #emitter = new Emitter();
  readonly #clients: ClientTable;
  readonly #doubt: Doubt;
  readonly #outbox: Outbox;
  readonly #expiry: Expiry;
  readonly #loading: Loading;
  readonly quorum: QuorumDesk;
  readonly #clientele: Clientele;
  readonly #background: Background;
  readonly #check: StateCheck;
  readonly #history: History;
  readonly #speech: Speech;
  readonly #listeners: ((view: View) => void)[] = [];
  readonly #counters = createCounters();
  /** The last synchronised view and its executives; handlers of local requests see it even while syncing. */
  #lastView: View | undefined;
  #members: ReadonlySet<number> = new Set();
  #syncing = true;

  constructor(options: HostOptions) {
    const { node, messaging, random, wallClock, steadyClock, effects } = options;
    const { nodeId } = node;
    invariant(nodeSchema.check(node) && nodeId === messaging.nodeId, 'node does not fit');
    this.#options = options;
    this.#history = new History(nodeId);
    this.#speech = new Speech(options.speaks);
    this.#loading = this.#createLoading(options);
    const failed: ReplicaOptions['failed'] = (...how) => this.#serviceFailed(...how);
    for (const definition of options.services) {
      this.#replicas.add({ definition, failed, turns: options.turns });
    }
    this.#clients = new ClientTable(node.nodeId, random32(random), this.#emitter);
    this.#doubt = new Doubt(this.#clients, (client, undo) =>
      this.#clientele.takeBack(client, undo),
    );
    const group = messaging.join(AIS_GROUP, {
      deliver: (message) => this.#emitter.event(() => this.#deliver(message)),
      configuration: ({ type }) => this.#doubt.configuration(type),
      drained: () => this.#emitter.event(() => this.#resume()),
    });
    this.#outbox = new Outbox(group);
    const [replicas, clients, outbox] = [this.#replicas, this.#clients, this.#outbox];
    this.#clientele = new Clientele({
      ...{ nodeId, clients, replicas, outbox, wallClock, steadyClock },
      ...{ emitter: this.#emitter, speech: this.#speech },
      uniqueId: uniqueIds(nodeId, random32(random)),
      view: () => this.#lastView,
      context: this.#contextAt,
      fetchFirst: (service, piece) => this.#background.fetchFirst(service, piece),
      changed: () => this.#expiry.update(),
      counted: (what) => this.#counters[what]++,
    });
    this.quorum = this.#createDesk(options);
    this.#expiry = new Expiry({
      ...{ replicas, wallClock, steadyClock, context: this.#contextAt },
      watches: (service) => this.#loading.roster.nodes(service)[0] === nodeId,
      setWake: (delayMs) => effects.setWake(delayMs),
      ...this.quorum.expiry,
    });
    this.#background = new Background({
      ...{ nodeId, replicas, outbox, wallClock, limits: options.background ?? {} },
      holders: (service) => this.#loading.roster.nodes(service),
      trace: (event, detail) => this.#trace(event, detail),
    });
    this.#check = new StateCheck({
      ...{ nodeId, replicas, outbox, wallClock },
      isLacking: (service) => this.#background.isLacking(service),
      counters: this.#counters,
      trace: (event, detail) => this.#trace(event, detail),
    });
    this.#startSync(options);
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
      closeClients: (replica, reason) => this.#clientele.closeAll(replica, reason),
      arrived: (replica, holders) => this.#background.seek(replica, holders),
      left: (service, node) => this.#background.left(service, node),
      context: () => this.#contextAt(wallClock()),
      trace: (event, detail) => this.#trace(event, detail),
    });
  }

  #createDesk({ node, quorum, wallClock }: HostOptions): QuorumDesk {
    return new QuorumDesk({
      ...{ nodeId: node.nodeId, filter: quorum, wallClock, outbox: this.#outbox },
      ...{ replicas: this.#replicas, history: this.#history },
      ...{ emitter: this.#emitter, listeners: this.#listeners },
      view: () => this.view,
      judged: (view) => {
        this.#lastView = view;
      },
      context: (view, time) => this.#context(view, time),
      trace: (event, detail) => this.#trace(event, detail),
    });
  }

  #startSync({ messaging, participants = [] }: HostOptions): void {
    startSynchronisation({
      ...{ messaging, participants, replicas: this.#replicas },
      hello: () => helloOf(this.#options, this.#replicas, this.#history, this.quorum, this.#speech),
      proposed: (configuration) => this.#options.quorum.propose?.(configuration),
      started: (ringId) => this.#syncStarted(ringId),
      activated: (outcome) => this.#emitter.event(() => this.#activate(outcome)),
      completed: (ringId) => this.#emitter.event(() => this.#syncCompleted(ringId)),
      aborted: () => {
        this.#counters.syncAborts++;
        this.#trace('sync-abort', {});
      },
      dropped: (reason, source) => {
        this.#counters.syncDropped++;
        this.#trace('drop-message', { reason, source });
      },
    });
  }

  connect(service: string, uid: number, sink: ClientSink, role?: Role): ClientRef | undefined {
    return this.#clientele.connect(service, uid, sink, role);
  }

  request(ref: ClientRef, request: number, fn: string, argument: unknown): void {
    this.#clientele.request(ref, request, fn, argument);
  }

  isWaiting = (ref: ClientRef): boolean => this.#clientele.isWaiting(ref);

  disconnect = (ref: ClientRef): void => this.#clientele.disconnect(ref);

  wake = (): void => this.#emitter.event(() => this.#expiry.wake());

  get view(): View | undefined {
    return this.#syncing ? undefined : this.#lastView;
  }

  get hasMet(): boolean {
    return this.#history.hasMet;
  }

  onView(listener: (view: View) => void): void {
    this.#listeners.push(listener);
  }

  stateHash = (service: string): string => this.#replicas.named(service)?.hash() ?? '';

  digest = (service: string): string => this.#replicas.named(service)?.digest() ?? '';

  checkStates(): void {
    if (!this.#syncing) this.#check.begin(this.#lastView!);
  }

  inspect = (service: string): unknown => this.#replicas.inspect(service);

  transfers = (): readonly TransferProgress[] => this.#background.progress();

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

  askLeave(): ReturnType<ServiceHost['askLeave']> {
    return this.#emitter.event(() => this.#loading.askLeave());
  }

  leave(): void {
    for (const { name } of this.services) this.#emitter.event(() => this.#loading.exit(name));
  }

  reload(definition: unknown): string | undefined {
    return this.#emitter.event(() => this.#loading.reload(definition));
  }

  stats(): Readonly<Record<string, number>> {
    const [clients, outbox] = [this.#clients.size, this.#outbox.size];
    const { agreed: hostVersion } = this.#speech;
    return { ...this.#counters, ...this.#background.stats(), clients, outbox, hostVersion };
  }

  #syncStarted(ringId: RingId): void {
    this.#syncing = true;
    this.#counters.syncStarts++;
    this.#outbox.close();
    this.#background.pause();
    this.#expiry.pause();
    this.#loading.interrupted();
    this.#trace('sync-start', { ringId });
  }

  /** The swap: from one event to the next the node has the merged states and the new view. */
  #activate(outcome: SyncOutcome): void {
    const { ringId, plan, states } = outcome;
    const ids = plan.members.map(({ nodeId }) => nodeId);
    const quorate = this.quorum.update(outcome.configuration);
    const { members, joined, left } = plan;
    const view: View = { ringId, members, joined, left, quorate };
    const hadState = this.#history.lineage !== null;
    this.#lastView = view;
    this.#members = new Set(ids);
    this.#syncing = false;
    this.#history.begin(view, plan);
    this.#speech.view(plan.host);
    const context = this.#context(view, plan.time);
    for (const service of ordered.divergedIn(plan, this.#replicas)) {
      this.#counters.diverged++;
      this.#trace('state-diverged', { service });
    }
    this.#doubt.end(quorate && !joined.includes(this.#options.node.nodeId));
    ordered.swapStates(this.#replicas, outcome, hadState ? context : undefined);
    this.#loading.view(plan.services);
    ordered.tellServices(this.#replicas, view, context);
    this.#clientele.update();
    this.#background.begin(view, new Set(states.keys()), ordered.holdersIn(plan));
    this.#counters.views++;
    this.#trace('view', {
      ...{ ringId, members: ids, joined: plan.joined, left: plan.left },
      ...{ quorate, lineages: plan.lineages },
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
    // One message in turn with the clients', then what there is room for.
    this.#background.pump(1);
    this.#clientele.flush();
    this.#background.pump();
  }

  #deliver({ source, bytes }: GroupMessage): void {
    const envelope = decodeEnvelope(bytes);
    const own = source === this.#options.node.nodeId && envelope?.kind === 'exec';
    const sharer = own ? this.#clientele.returned(envelope.connection, bytes.length) : undefined;
    if (this.#syncing) {
      this.#counters.messagesInSync++;
      this.#trace('drop-message', { reason: 'ordered during synchronisation', source });
      return;
    }
    this.#history.count(source, bytes.length);
    if (!this.#members.has(source)) {
      this.#drop('sender is no executive', source);
      return;
    }
    if (envelope === undefined) {
      this.#drop('malformed message', source);
      return;
    }
    if (!this.#speech.understands(envelope.kind)) {
      this.#drop('message of a later host', source);
      if (source === this.#options.node.nodeId) this.#clientele.repeat(envelope);
      return;
    }
    const context = this.#context(this.#lastView!, envelope.time);
    this.#apply(envelope, source, context);
    this.#clientele.update();
    if (own) this.#clientele.serve(sharer);
    this.#background.pump();
    this.#expiry.update();
  }

  #apply(envelope: Envelope, source: number, context: EventContext): void {
    switch (envelope.kind) {
      case 'expire':
        ordered.applyExpiry(this.#replicas, envelope.time, context);
        this.#expiry.applied(envelope.time);
        return;
      case 'gone':
      case 'departed':
        this.#applyGone(envelope, source, context);
        return;
      case 'exec': {
        const refused = ordered.applyExec(this.#replicas, envelope, source, context);
        if (refused === undefined) this.#counters.messagesApplied++;
        else this.#drop(refused, source);
        return;
      }
      case 'quorum':
        this.quorum.apply(envelope, source);
        return;
      case 'background':
        this.#background.apply(envelope, source, context);
        return;
      case 'check':
        this.#check.apply(envelope.payload, source, context);
        return;
      default:
        this.#loading.deliver(envelope, source, context);
    }
  }

  /** For what is no matter of the order. */
  readonly #contextAt = (time: bigint) =>
    this.#lastView && this.#context(this.#lastView, time, this.#options.steadyClock());

  #applyGone(envelope: ordered.Ended, source: number, context: EventContext): void {
    const { service } = envelope;
    const inSteps = this.#loading.roster.nodes(service).includes(source);
    const left = ordered.applyGone(this.#replicas, envelope, source, { context, inSteps });
    if (source === this.#options.node.nodeId) this.#clientele.goneOn(service, left);
  }

  #context(view: View, time: bigint, steady = 0n): EventContext {
    const place = { view, order: this.#history.order, time, steady };
    return new EventContext(place, this.#clients, this.#doubt);
  }

  #serviceFailed(replica: Replica, where: string, error: unknown): void {
    this.#counters.servicesFailed++;
    this.#trace('service-failed', { service: replica.name, where, message: messageOf(error) });
    // A service may throw while the host is made: nobody can be connected then.
    this.#clientele?.closeAll(replica, `service ${replica.name} failed`);
    this.#loading.failed(replica);
  }

  #drop(reason: string, source: number): void {
    this.#counters.messagesDropped++;
    this.#trace('drop-message', { reason, source });
  }

  #trace(event: string, detail: Readonly<Record<string, unknown>>): void {
    this.#options.effects.trace({ event, detail });
  }
}
