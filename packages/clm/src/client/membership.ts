/**
 * The idiomatic layer: who is in the cluster, now and from now on.
 *
 *     await using membership = await Membership.connect();
 *     for await (const { members, joined, left } of membership.track()) …
 */
import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SaAisError,
} from '@aisexec/ais';
import {
  type AisHandle,
  abortError,
  type CallOptions,
  type ConnectOptions,
  type Deadline,
  deadlineOf,
  okOrThrow,
  type ReopenOptions,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import {
  type ChangedEvent,
  SA_CLM_LOCAL_NODE_ID,
  type StepResponse,
  type ViewReport,
} from '../protocol.ts';
import { NodeAdmin } from './admin.ts';
import { nodeOf, viewOf } from './convert.ts';
import { type PlannedStep, TrackCursor } from './cursor.ts';
import { TrackFeed } from './feed.ts';
import { openWithRetry } from './open.ts';
import {
  leftIn,
  type Member,
  type MembershipChange,
  type MembershipView,
  type Removal,
  toMember,
  toRemoval,
  toView,
  type ViewChange,
} from './view.ts';

/** A connection to an executive, and the admission of its node. */
interface Opened {
  readonly ais: AisHandle;
  readonly admission: bigint;
}

type OpenAgain = (deadline: Deadline, retry: RetryOptions | false) => Promise<Opened>;

export interface MembershipOptions extends ConnectOptions, CallOptions, ReopenOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

/** With steps, `track` also tells of administrative removals before they happen. */
export interface StepOptions extends CallOptions {
  /** `validate`: to be asked whether a member may be removed; `start`: to be told, and waited for. */
  readonly steps: readonly ('validate' | 'start')[];
  /**
   * What happens when the next item is asked for although a step was not answered: `refuse` (default)
   * throws BAD_OPERATION, `wait` leaves it to the time supervision, a response is given as it is.
   */
  readonly unanswered?: 'refuse' | 'wait' | StepResponse;
}

/** A client of the membership service. */
export class Membership implements AsyncDisposable {
  /** Locks, unlocks and shuts down nodes, over this connection. */
  readonly admin: NodeAdmin;
  readonly #open: OpenAgain;
  readonly #reopened: ReopenOptions['reopen'];
  #handle: AisHandle;
  #admission: bigint;
  /** The executive has restarted, and the connection to it is being opened again. */
  #isReopening = false;
  /** What the cursor with steps wants to be told. */
  #steps: StepOptions['steps'] = [];
  readonly #retry: RetryOptions | false;
  readonly #feed: TrackFeed;
  readonly #cursors = new Set<TrackCursor>();
  /** The one of them that is told of steps. */
  #stepCursor: TrackCursor | undefined;
  #latest: MembershipView | undefined;
  /** The last subscription asked for, and whether there is one. */
  #subscribing: Promise<void> = Promise.resolve();
  #isSubscribed = false;
  #ended: SaAisError | undefined;
  readonly #closed = new AbortController();

  private constructor(
    { ais, admission }: Opened,
    feed: TrackFeed,
    { retry = {}, reopen }: MembershipOptions,
    open: OpenAgain,
  ) {
    this.#handle = ais;
    this.#admission = admission;
    this.#open = open;
    this.#reopened = reopen;
    this.#retry = retry;
    this.#feed = feed;
    this.admin = new NodeAdmin((fn, argument) => this.#request(fn, argument), retry);
    this.#listen();
  }

  /**
   * @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED; UNAVAILABLE
   * when its node is no member.
   */
  static async connect(options: MembershipOptions = {}): Promise<Membership> {
    let hear: ((event: ChangedEvent) => void) | undefined;
    const feed = new TrackFeed((event) => hear?.(event));
    const open: OpenAgain = (deadline, retry) =>
      openWithRetry(options, (event) => feed.receive(event), deadline, retry);
    const opened = await open(deadlineOf(options, INITIALIZE), options.retry ?? {});
    const membership = new Membership(opened, feed, options, open);
    hear = (event) => membership.#hear(event);
    return membership;
  }

  /** The members of the current view, ascending by nodeid. */
  async members(options: CallOptions = {}): Promise<readonly Member[]> {
    return (await this.view(options)).members;
  }

  /** The current view: its number and its members. */
  async view(options: CallOptions = {}): Promise<MembershipView> {
    return toView(viewOf(await this.#ask('current', { local: false }, TRACK, options)));
  }

  /** The node whose executive this is. */
  localNode(options: CallOptions = {}): Promise<Member> {
    return this.node(SA_CLM_LOCAL_NODE_ID, options);
  }

  /** @throws SaAisError NOT_EXIST when this node is not a member. */
  async node(nodeId: number, options: CallOptions = {}): Promise<Member> {
    const call = 'saClmClusterNodeGet';
    const node = nodeOf(await this.#ask('nodeGet', { nodeId }, call, options));
    if (node === undefined) throw new SaAisError(SA_AIS_ERR_NOT_EXIST, call);
    return toMember(node);
  }

  /**
   * The current view, then a view after every change. Who is slow gets several changes as one: each item
   * has all members, and `joined` and `left` tell the difference to the item before. With `steps`, items
   * about administrative removals come in between; one iterator at a time can have them (else BUSY).
   * @throws AbortError when the signal is aborted, SaAisError when the connection is lost, or UNAVAILABLE
   * after the view in which this node is no member any more.
   */
  track(options?: CallOptions): AsyncGenerator<ViewChange, void, undefined>;
  track(options: StepOptions): AsyncGenerator<MembershipChange, void, undefined>;
  async *track(
    options: CallOptions | StepOptions = {},
  ): AsyncGenerator<MembershipChange, void, undefined> {
    const deadline = deadlineOf(options, TRACK);
    const { steps = [], unanswered = 'refuse' } = options as Partial<StepOptions>;
    const cursor = new TrackCursor();
    const wantsSteps = steps.length > 0;
    if (wantsSteps && this.#stepCursor !== undefined) throw new SaAisError(SA_AIS_ERR_BUSY, TRACK);
    if (wantsSteps) {
      this.#stepCursor = cursor;
      this.#steps = steps;
    }
    this.#cursors.add(cursor);
    try {
      deadline.check();
      await deadline.race(wantsSteps ? this.#resubscribe(steps) : this.#subscribe());
      if (this.#latest !== undefined) cursor.offer(this.#latest, []);
      for (;;) {
        const taken = cursor.take();
        if (taken !== undefined) {
          yield taken.item;
          deadline.check();
          if (taken.step?.owesAnswer === true) await deadline.race(settle(taken.step, unanswered));
        } else if (this.#ended !== undefined) {
          if (this.#ended === CLOSED) return;
          throw this.#ended;
        } else await deadline.race(cursor.news());
      }
    } finally {
      this.#cursors.delete(cursor);
      if (this.#stepCursor === cursor) {
        this.#stepCursor = undefined;
        this.#steps = [];
        // Without steps again: what was owed is owed no more. Nobody waits for it, nobody misses it.
        if (this.#ended === undefined) this.#resubscribe([]).catch(() => {});
      }
    }
  }

  /**
   * The first view with at least so many members, now or later.
   * @throws AbortError, SaAisError TIMEOUT.
   */
  async waitFor(memberCount: number, options: CallOptions = {}): Promise<MembershipView> {
    for await (const { viewNumber, members } of this.track(options)) {
      if (members.length >= memberCount) return { viewNumber, members };
    }
    if (options.signal?.aborted) throw abortError(options.signal);
    throw new SaAisError(SA_AIS_ERR_TIMEOUT, TRACK, 'the connection was closed');
  }

  /** Ends the connection and all iterators. Idempotent. */
  async close(): Promise<void> {
    this.#end(CLOSED);
    this.#closed.abort();
    await this.#handle.finalize();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether this connection keeps the process alive; it does at first. */
  ref(): void {
    this.#handle.selectionObject().ref();
  }

  unref(): void {
    this.#handle.selectionObject().unref();
  }

  /** One subscription serves all iterators; it lasts as long as the connection. */
  #subscribe(): Promise<void> {
    return this.#isSubscribed ? this.#subscribing : this.#resubscribe([]);
  }

  /** A subscription with these steps, in the place of any former one. */
  #resubscribe(steps: StepOptions['steps']): Promise<void> {
    this.#isSubscribed = true;
    const former = this.#subscribing.catch(() => {});
    const subscribing = former.then(() => this.#requestTrack(steps));
    this.#subscribing = subscribing;
    subscribing.catch(() => {
      if (this.#subscribing !== subscribing) return;
      // The former subscription goes on, if there was one.
      this.#isSubscribed = this.#feed.active;
      this.#subscribing = Promise.resolve();
    });
    return subscribing;
  }

  async #requestTrack(steps: StepOptions['steps']): Promise<void> {
    const subscription = this.#feed.ask();
    const request = {
      mode: 'changes',
      local: false,
      validate: steps.includes('validate'),
      start: steps.includes('start'),
      subscription,
    };
    try {
      const reply = await this.#ask('track', request, TRACK, {});
      this.#feed.begin(subscription, () => this.#show(viewOf(reply)));
    } catch (error) {
      this.#feed.refuse(subscription);
      throw error;
    }
  }

  #hear(event: ChangedEvent): void {
    if (event.step === 'completed') this.#show(event);
    else this.#plan(event);
    if (event.evicted) this.#end(new SaAisError(SA_AIS_ERR_UNAVAILABLE, TRACK));
  }

  #show(report: ViewReport): void {
    const view = toView(report);
    this.#latest = view;
    for (const cursor of this.#cursors) cursor.offer(view, leftIn(report));
  }

  #plan(event: ChangedEvent): void {
    const removal = toRemoval(event);
    if (removal === undefined || event.step === 'completed') return;
    const step: PlannedStep =
      event.step === 'aborted'
        ? { item: { ...removal, step: event.step }, owesAnswer: false }
        : this.#askedStep(removal, event.step, event);
    this.#stepCursor?.plan(step);
  }

  #askedStep(
    removal: Removal,
    name: 'validate' | 'start',
    { invocation, timeSupervision }: ChangedEvent,
  ): PlannedStep {
    const respond = async (response: StepResponse): Promise<boolean> => {
      step.owesAnswer = false;
      try {
        await this.#ask('respond', { invocation, response }, RESPONSE, {});
        return true;
      } catch (error) {
        const isLate = error instanceof SaAisError && error.code === SA_AIS_ERR_INVALID_PARAM;
        if (isLate && isResponse(response)) return false;
        throw error;
      }
    };
    const timeSupervisionMs = timeSupervision === null ? null : Number(timeSupervision) / NS_PER_MS;
    const step: PlannedStep = {
      item: { ...removal, step: name, timeSupervisionMs, respond },
      owesAnswer: true,
    };
    return step;
  }

  #end(reason: SaAisError): void {
    this.#ended ??= reason;
    for (const cursor of this.#cursors) cursor.wake();
  }

  #listen(): void {
    this.#handle.onLost((reason) => {
      if (this.#reopened === undefined) this.#end(lost(reason));
      else void this.#reopen(reason);
    });
  }

  /** After a restart of the executive: a new connection, and the subscription again. */
  async #reopen(reason: string): Promise<void> {
    this.#isReopening = true;
    const deadline = deadlineOf({ signal: this.#closed.signal }, INITIALIZE);
    let opened: Opened | undefined;
    try {
      opened = await this.#open(deadline, { totalMs: Number.POSITIVE_INFINITY });
      this.#handle = opened.ais;
      this.#admission = opened.admission;
      this.#isReopening = false;
      this.#listen();
      if (this.#isSubscribed) await this.#resubscribe(this.#steps);
    } catch (error) {
      // A restart right after the restart is the affair of the next call.
      const isNext = opened !== undefined && (this.#isReopening || this.#handle !== opened.ais);
      if (!isNext) this.#end(error instanceof SaAisError ? error : lost(String(error)));
      return;
    }
    if (typeof this.#reopened === 'function') this.#reopened({ reason, failed: [] });
  }

  /** TRY_AGAIN while the connection is being opened again. */
  #request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#isReopening) return Promise.resolve({ rc: SA_AIS_ERR_TRY_AGAIN });
    return this.#handle.request(fn, argument);
  }

  async #ask(fn: string, argument: object, call: string, options: CallOptions): Promise<Reply> {
    const deadline = deadlineOf(options, call);
    // Of the connection that is there when it is asked.
    const ask = () => deadline.race(this.#request(fn, { ...argument, admission: this.#admission }));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call);
  }
}

/** The next item is asked for and a step was not answered. */
async function settle(
  { item }: PlannedStep,
  unanswered: NonNullable<StepOptions['unanswered']>,
): Promise<void> {
  if (unanswered === 'wait' || item.step === 'aborted') return;
  if (unanswered !== 'refuse') {
    await item.respond(unanswered);
    return;
  }
  const detail = `the step ${item.step} of node ${item.node.nodeId} must be answered first`;
  throw new SaAisError(SA_AIS_ERR_BAD_OPERATION, RESPONSE, detail);
}

function isResponse(response: unknown): boolean {
  return response === 'ok' || response === 'rejected' || response === 'error';
}

const NS_PER_MS = 1e6;
const lost = (reason: string) => new SaAisError(SA_AIS_ERR_LIBRARY, TRACK, reason);

const INITIALIZE = 'saClmInitialize_4';
const TRACK = 'saClmClusterTrack';
const RESPONSE = 'saClmResponse_4';
/** The application closed the connection itself: iterators end without an error. */
const CLOSED = new SaAisError(SA_AIS_ERR_LIBRARY, TRACK, 'closed');
