/**
 * One membership in a closed process group:
 *
 *     await using group = await ProcessGroup.join('orders');
 *     await group.multicast(new TextEncoder().encode('hello'));
 *     for await (const event of group.events()) …
 */
import {
  SA_AIS_ERR_INTERRUPT,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SaAisError,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type AisHandle,
  type CallbackEvent,
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  type Deadline,
  deadlineOf,
  okOrThrow,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { decodeBare } from '../bare.ts';
import {
  ASSEMBLY_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PART_BYTES_MAX,
} from '../limits.ts';
import {
  CPG_SERVICE,
  type CpgProcess,
  MEMBERS,
  MESSAGE,
  type MembersEvent,
  type MessageEvent,
  type RingEvent,
} from '../protocol.ts';
import { Assembler } from './assembler.ts';
import type { GroupEvent } from './events.ts';

export interface JoinOptions extends ConnectOptions, CallOptions {
  /** How this member is told from others of the same node; default: the process id. */
  readonly pid?: number;
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

const VERSION = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };

export class ProcessGroup implements AsyncDisposable {
  readonly name: string;
  readonly #handle: AisHandle;
  readonly #retry: RetryOptions | false;
  readonly #assembler = new Assembler();
  #self: CpgProcess = { nodeId: 0, pid: 0 };
  #members: readonly CpgProcess[] = [];
  /** What `events` gives next: what one dispatch had. */
  #next: GroupEvent[] = [];
  #read = 0;
  /** Messages travel without a map (bare.ts): the executive reads them. */
  #isBare = false;
  #lost: SaAisError | undefined;
  /** A message that travels in parts, or several. */
  #cutting: Promise<void> | undefined;

  private constructor(name: string, handle: AisHandle, retry: RetryOptions | false) {
    this.name = name;
    this.#handle = handle;
    this.#retry = retry;
    handle.onLost((reason) => {
      this.#lost = new SaAisError(SA_AIS_ERR_LIBRARY, 'cpg events', reason);
    });
  }

  /**
   * Resolves when all members have seen this one join.
   * @throws SaAisError: TRY_AGAIN or TIMEOUT no executive answers, NOT_SUPPORTED it does not run CPG, EXIST
   * a process with this pid is a member on this node.
   */
  static async join(name: string, options: JoinOptions = {}): Promise<ProcessGroup> {
    const { retry = {}, pid = process.pid } = options;
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > GROUP_NAME_BYTES_MAX) {
      throw new TypeError(`group name of ${bytes.length} bytes, at most ${GROUP_NAME_BYTES_MAX}`);
    }
    const call = 'cpg join';
    let receive: ((event: CallbackEvent) => void) | undefined;
    const opened = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: CPG_SERVICE,
      supported: [VERSION],
      version: { ...VERSION },
      onEvent: (event, handle) => handle.enqueue({ priority: 0, run: () => receive?.(event) }),
    });
    const group = new ProcessGroup(name, opened, retry);
    receive = (event) => group.#receive(event);
    try {
      const reply = await group.#ask('join', { group: bytes, pid, bare: true }, options);
      group.#isBare = reply['bare'] === true;
      group.#joined(reply['self'] as CpgProcess, reply['members'] as CpgProcess[]);
      return group;
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  /** This member. */
  get self(): CpgProcess {
    return this.#self;
  }

  /** The members as of the last event that was read. */
  get members(): readonly CpgProcess[] {
    return this.#members;
  }

  /**
   * Resolves when the message has its place in the order and is delivered on this node. Above 1,047,552 bytes it
   * travels in parts, as libcpg's; those who call meanwhile wait for it. A change of membership lets it begin again.
   * @throws RangeError above 64 MiB, or as the other calls do; then its members may or may not have got it.
   */
  multicast(bytes: Uint8Array, options?: CallOptions): Promise<void> {
    const isPlain = options === undefined && bytes.length <= MESSAGE_BYTES_MAX;
    if (!isPlain || this.#cutting !== undefined) return this.#multicast(bytes, options);
    // Most are accepted at once: no deadline and no repetition is set up for them.
    return this.#handle
      .request('multicast', this.#isBare ? bytes : { bytes })
      .then(({ rc }) => (rc === SA_AIS_OK ? undefined : this.#refused(bytes, rc)));
  }

  #refused(bytes: Uint8Array, rc: SaAisErrorT): Promise<void> {
    if (rc !== SA_AIS_ERR_TRY_AGAIN || this.#retry === false) {
      throw new SaAisError(rc, 'cpg multicast');
    }
    return this.#multicast(bytes);
  }

  async #multicast(bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    if (bytes.length > ASSEMBLY_BYTES_MAX) {
      throw new RangeError(`message of ${bytes.length} bytes, at most ${ASSEMBLY_BYTES_MAX}`);
    }
    const deadline = deadlineOf(options, 'cpg multicast');
    if (bytes.length > MESSAGE_BYTES_MAX) {
      const before = this.#cutting ?? Promise.resolve();
      const sent = before.then(() => this.#multicastParts(bytes, deadline));
      const settled = sent
        .catch(() => {})
        .then(() => {
          if (this.#cutting === settled) this.#cutting = undefined;
        });
      this.#cutting = settled;
      await sent;
      return;
    }
    if (this.#cutting !== undefined) await deadline.race(this.#cutting);
    await this.#request('multicast', this.#isBare ? bytes : { bytes }, deadline);
  }

  async #multicastParts(bytes: Uint8Array, deadline: Deadline): Promise<void> {
    const total = bytes.length;
    for (let sent = 0; sent < total; ) {
      const part = bytes.subarray(sent, sent + PART_BYTES_MAX);
      try {
        await this.#request('part', { bytes: part, total, first: sent === 0 }, deadline);
        sent += part.length;
      } catch (error) {
        if (!(error instanceof SaAisError) || error.code !== SA_AIS_ERR_INTERRUPT) throw error;
        sent = 0;
      }
    }
  }

  /**
   * What happens from the join on, first the members at that time. Everything is given once: several
   * iterators share it. Ends after `leave` or `close`. Who does not read is disconnected in the end.
   * @throws AbortError, SaAisError LIBRARY when the executive is gone.
   */
  async *events(options: CallOptions = {}): AsyncGenerator<GroupEvent, void, undefined> {
    const deadline = deadlineOf(options, 'cpg events');
    for (;;) {
      deadline.check();
      const event = this.#take();
      if (event !== undefined) yield event;
      else if (this.#handle.finalized) return;
      else {
        await deadline.race(this.#handle.selectionObject().ready());
        if (this.#lost !== undefined) throw this.#lost;
        await this.#handle.dispatch(SA_DISPATCH_ALL);
      }
    }
  }

  /** Resolves when all members have seen this one leave. */
  async leave(options: CallOptions = {}): Promise<void> {
    await this.#ask('leave', {}, options);
    await this.close();
  }

  /** Ends the membership without waiting; the others see the process gone. Idempotent. */
  async close(): Promise<void> {
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

  #joined(self: CpgProcess, members: readonly CpgProcess[]): void {
    this.#self = self;
    this.#members = members;
    const joined = [{ ...self, reason: 1 as const }];
    this.#next.push({ type: 'members', members, joined, left: [] });
  }

  #take(): GroupEvent | undefined {
    const event = this.#next[this.#read];
    if (event === undefined) {
      if (this.#read > 0) this.#next = [];
      this.#read = 0;
      return undefined;
    }
    this.#read++;
    if (event.type === 'members') this.#members = event.members;
    return event;
  }

  #receive({ name, payload }: CallbackEvent): void {
    if (name === MESSAGE) {
      const event = payload instanceof Uint8Array ? decodeBare(payload) : (payload as MessageEvent);
      if (event === undefined) return;
      const { nodeId, pid } = event;
      const bytes = this.#assembler.add(event);
      if (bytes !== undefined) this.#next.push({ type: 'message', from: { nodeId, pid }, bytes });
    } else if (name === MEMBERS) {
      const { members, joined, left } = payload as MembersEvent;
      for (const gone of left) this.#assembler.forget(gone);
      this.#next.push({ type: 'members', members, joined, left });
    } else {
      const { ringId, nodes } = payload as RingEvent;
      this.#next.push({ type: 'ring', ringId, nodes });
    }
  }

  async #ask(fn: string, argument: unknown, options: CallOptions): Promise<Reply> {
    return this.#request(fn, argument, deadlineOf(options, `cpg ${fn}`));
  }

  async #request(fn: string, argument: unknown, deadline: Deadline): Promise<Reply> {
    const call = `cpg ${fn}`;
    const ask = () => deadline.race(this.#handle.request(fn, argument));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call);
  }
}
