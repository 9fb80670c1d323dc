/**
 * The idiomatic layer: who is in the cluster, now and from now on.
 *
 *     await using membership = await Membership.connect();
 *     for await (const { members, joined, left } of membership.track()) …
 */
import {
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SaAisError,
} from '@aisexec/ais';
import {
  type AisHandle,
  abortError,
  type CallOptions,
  type ConnectOptions,
  deadlineOf,
  okOrThrow,
  openHandle,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import {
  CHANGED,
  type ChangedEvent,
  CLM_SERVICE,
  SA_CLM_LOCAL_NODE_ID,
  type ViewReport,
} from '../protocol.ts';
import { nodeOf, viewOf } from './convert.ts';
import { TrackFeed } from './feed.ts';
import {
  leftIn,
  type Member,
  type MembershipView,
  toMember,
  toView,
  type ViewChange,
  ViewCursor,
} from './view.ts';

export interface MembershipOptions extends ConnectOptions, CallOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

/** A client of the membership service. */
export class Membership implements AsyncDisposable {
  readonly #handle: AisHandle;
  readonly #retry: RetryOptions | false;
  readonly #feed: TrackFeed;
  readonly #cursors = new Set<ViewCursor>();
  #latest: MembershipView | undefined;
  #subscribing: Promise<void> | undefined;
  #ended: SaAisError | undefined;

  private constructor(handle: AisHandle, feed: TrackFeed, retry: RetryOptions | false) {
    this.#handle = handle;
    this.#retry = retry;
    this.#feed = feed;
    handle.onLost((reason) => this.#end(new SaAisError(SA_AIS_ERR_LIBRARY, TRACK, reason)));
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED. */
  static async connect(options: MembershipOptions = {}): Promise<Membership> {
    const call = 'saClmInitialize_4';
    const { retry = {} } = options;
    const deadline = deadlineOf(options, call);
    let show: ((report: ViewReport) => void) | undefined;
    const feed = new TrackFeed((event) => show?.(event));
    const open = () =>
      openHandle({
        service: CLM_SERVICE,
        supported: [{ releaseCode: 'B', majorVersion: 4, minorVersion: 1 }],
        version: { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
        connect: options,
        onEvent: (event) => {
          if (event.name === CHANGED) feed.receive(event.payload as ChangedEvent);
        },
      });
    const opened = await withRetry(open, deadline, retry);
    if (opened.handle === undefined) {
      throw opened.cause instanceof SaAisError ? opened.cause : new SaAisError(opened.rc, call);
    }
    const membership = new Membership(opened.handle, feed, retry);
    show = (report) => membership.#show(report);
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
   * has all members, and `joined` and `left` tell the difference to the item before.
   * @throws AbortError when the signal is aborted, SaAisError when the connection is lost.
   */
  async *track(options: CallOptions = {}): AsyncGenerator<ViewChange, void, undefined> {
    const deadline = deadlineOf(options, TRACK);
    const cursor = new ViewCursor();
    this.#cursors.add(cursor);
    try {
      deadline.check();
      await deadline.race(this.#subscribe());
      if (this.#latest !== undefined) cursor.offer(this.#latest, []);
      for (;;) {
        const change = cursor.take();
        if (change !== undefined) {
          yield change;
          deadline.check();
        } else if (this.#ended !== undefined) {
          if (this.#ended === CLOSED) return;
          throw this.#ended;
        } else await deadline.race(cursor.news());
      }
    } finally {
      this.#cursors.delete(cursor);
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
    this.#subscribing ??= this.#requestTrack().catch((error) => {
      this.#subscribing = undefined;
      throw error;
    });
    return this.#subscribing;
  }

  async #requestTrack(): Promise<void> {
    const subscription = this.#feed.ask();
    const request = { mode: 'changes', local: false, subscription };
    try {
      const reply = await this.#ask('track', request, TRACK, {});
      this.#feed.begin(subscription, () => this.#show(viewOf(reply)));
    } catch (error) {
      this.#feed.refuse(subscription);
      throw error;
    }
  }

  #show(report: ViewReport): void {
    const view = toView(report);
    this.#latest = view;
    for (const cursor of this.#cursors) cursor.offer(view, leftIn(report));
  }

  #end(reason: SaAisError): void {
    this.#ended ??= reason;
    for (const cursor of this.#cursors) cursor.wake();
  }

  async #ask(fn: string, argument: unknown, call: string, options: CallOptions): Promise<Reply> {
    const deadline = deadlineOf(options, call);
    const ask = () => deadline.race(this.#handle.request(fn, argument));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call);
  }
}

const TRACK = 'saClmClusterTrack';
/** The application closed the connection itself: iterators end without an error. */
const CLOSED = new SaAisError(SA_AIS_ERR_LIBRARY, TRACK, 'closed');
