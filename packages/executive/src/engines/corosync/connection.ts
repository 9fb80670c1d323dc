/**
 * One connection to the Corosync of this machine: opened, listened to, used, closed. What is a round trip
 * (initialize, join, finalize) has no time-out in Corosync's libraries, so it runs on a thread of the pool,
 * where a stopped Corosync holds up nobody else.
 */
import type { NativeCall, PollHandle } from '../../drivers/native.ts';
import { COROSYNC_EVENTS_PER_TURN, COROSYNC_FULL_MS_MAX } from '../../limits.ts';
import type { RingQuorum } from './core/contract.ts';
import type { CpgMember } from './core/wire.ts';
import { CorosyncError, CS, resultError } from './errors.ts';
import { ADDRESS_BYTES, type Libraries, NAME_BYTES } from './libraries.ts';
import type { Poller } from './poller.ts';

const ONE_NONBLOCKING = 4;
const TRACK_CURRENT_AND_CHANGES = 3;
const INITIAL_TOTEM_CONFIGURATION = 1;
const MODEL_V1 = 1;
const AGREED = 2;
/** struct votequorum_info: node_votes u32 @8, quorum u32 @24. */
const INFO_BYTES = 512;

export interface ConnectionEvents {
  /** `bytes` may change after the call. */
  received(member: CpgMember, bytes: Uint8Array): void;
  changed(members: readonly CpgMember[], left: readonly CpgMember[]): void;
  ring(ringSeq: number): void;
  quorum(quorum: RingQuorum): void;
  /** Something was dispatched. */
  dispatched(): void;
  /** Corosync is gone. Once. */
  lost(error: CorosyncError): void;
}

export interface ConnectionOptions {
  readonly group: string;
  readonly nodeId: number;
  readonly quorum: boolean;
  readonly events: ConnectionEvents;
}

export interface Connection {
  /** Corosync's token time-out in milliseconds. */
  readonly tokenMs: number;
  /** From now on events come. */
  listen(): void;
  /** Keeps nothing of the frame. @returns false when Corosync has no room now, or is gone (`lost` follows). */
  send(frame: Uint8Array): boolean;
  /** Resolves when Corosync answered; never, when it is stopped. */
  probe(): Promise<void>;
  /** Leaves the group. Resolves when Corosync has let go; never, when it is stopped. */
  close(): Promise<void>;
}

/** Opens connections; a fake one in tests. */
export type Connect = (options: ConnectionOptions) => Promise<Connection>;

export function createConnect(libraries: Libraries, poller: Poller): Connect {
  return (options) => new CorosyncConnection(libraries, poller, options).open();
}

const handleOf = (bytes: Buffer): bigint => bytes.readBigUInt64LE(0);

class CorosyncConnection implements Connection {
  tokenMs = 1_000;
  readonly #libraries: Libraries;
  readonly #poller: Poller;
  readonly #options: ConnectionOptions;
  readonly #handles: { cpg?: bigint; quorum?: bigint; votes?: bigint; map?: bigint } = {};
  readonly #callbacks: bigint[] = [];
  readonly #polls: PollHandle[] = [];
  /** C keeps the address of the callbacks' table only during initialize; the iovec during a call. */
  readonly #iovec = Buffer.alloc(16);
  /** Arguments of calls on threads: their memory, and the callbacks, live until C is done with them. */
  readonly #calls = new Set<readonly unknown[]>();
  #events = 0;
  #error: unknown;
  #closed = false;
  #asking = false;
  #askAgain = false;
  #notice: Omit<RingQuorum, 'votes' | 'needed'> | undefined;

  constructor(libraries: Libraries, poller: Poller, options: ConnectionOptions) {
    this.#libraries = libraries;
    this.#poller = poller;
    this.#options = options;
  }

  async open(): Promise<Connection> {
    try {
      await this.#openCpg();
      if (this.#options.quorum) await this.#openQuorum();
      this.tokenMs = await this.#openMap();
      // Last: from now on the others wait for what this member has to say.
      await this.#join();
      return this;
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  async #openCpg(): Promise<void> {
    const { cpg, protos } = this.#libraries;
    const { nodeId } = this.#options;
    const model = Buffer.alloc(40);
    model.writeInt32LE(MODEL_V1, 0);
    model.writeBigUInt64LE(this.#register(protos.deliver, this.#onDeliver), 8);
    model.writeBigUInt64LE(this.#register(protos.changed, this.#onChanged), 16);
    model.writeBigUInt64LE(this.#register(protos.ring, this.#onRing), 24);
    model.writeUInt32LE(INITIAL_TOTEM_CONFIGURATION, 32);
    const handle = Buffer.alloc(8);
    await this.#call('cpg_model_initialize', cpg.initialize, handle, MODEL_V1, model, null);
    this.#handles.cpg = handleOf(handle);
    const local = Buffer.alloc(4);
    await this.#call('cpg_local_get', cpg.local, this.#handles.cpg, local);
    const found = local.readUInt32LE(0);
    if (found !== nodeId) {
      const text = `this executive is node ${nodeId}, and the Corosync of this machine is node ${found}`;
      throw new CorosyncError('mismatch', `${text}: set node.id to ${found}`);
    }
  }

  async #join(): Promise<void> {
    const name = Buffer.alloc(NAME_BYTES);
    name.writeUInt32LE(name.write(this.#options.group, 4, 'latin1'), 0);
    await this.#call('cpg_join', this.#libraries.cpg.join, this.#handles.cpg, name);
  }

  async #openQuorum(): Promise<void> {
    const { quorum, votes, protos } = this.#libraries;
    const callbacks = Buffer.alloc(8);
    callbacks.writeBigUInt64LE(this.#register(protos.quorum, this.#onQuorum), 0);
    const handle = Buffer.alloc(8);
    const type = Buffer.alloc(4);
    await this.#call('quorum_initialize', quorum.initialize, handle, callbacks, type);
    this.#handles.quorum = handleOf(handle);
    if (type.readUInt32LE(0) === 0) {
      const text = "this Corosync counts no votes: give corosync.conf a section 'quorum'";
      throw new CorosyncError(
        'mismatch',
        `${text} with 'provider: corosync_votequorum', or set quorum.provider to none here`,
      );
    }
    const voting = Buffer.alloc(8);
    await this.#call('votequorum_initialize', votes.initialize, voting, Buffer.alloc(24));
    this.#handles.votes = handleOf(voting);
    const { track } = quorum;
    await this.#call('quorum_trackstart', track, this.#handles.quorum, TRACK_CURRENT_AND_CHANGES);
  }

  /** @returns the token time-out. */
  async #openMap(): Promise<number> {
    const handle = Buffer.alloc(8);
    await this.#call('cmap_initialize', this.#libraries.map.initialize, handle);
    this.#handles.map = handleOf(handle);
    return this.#token();
  }

  async #token(): Promise<number> {
    const value = Buffer.alloc(4);
    const key = 'runtime.config.totem.token';
    await this.#call('cmap_get', this.#libraries.map.u32, this.#handles.map, key, value);
    return value.readUInt32LE(0);
  }

  /** One round trip on a thread. @throws CorosyncError for another result than OK. */
  #call(name: string, call: NativeCall, ...args: unknown[]): Promise<void> {
    this.#calls.add(args);
    this.#libraries.onThreads.add(args);
    return new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => {
        this.#calls.delete(args);
        this.#libraries.onThreads.delete(args);
        if (error) reject(error);
        else if (result === CS.ok) resolve();
        else reject(resultError(name, result));
        this.#release();
      });
    });
  }

  #register(type: bigint | object, callback: (...args: never[]) => void): bigint {
    const guarded = (...args: never[]): void => {
      this.#events++;
      try {
        callback(...args);
      } catch (error) {
        // It must not pass through C.
        this.#error ??= error;
      }
    };
    const address = BigInt(this.#libraries.koffi.register(guarded, type as object));
    this.#callbacks.push(address);
    return address;
  }

  listen(): void {
    const { cpg, quorum } = this.#libraries;
    this.#watch(cpg.fd, cpg.dispatch, this.#handles.cpg!);
    if (this.#handles.quorum !== undefined) {
      this.#watch(quorum.fd, quorum.dispatch, this.#handles.quorum);
    }
  }

  #watch(fdOf: NativeCall, dispatch: NativeCall, handle: bigint): void {
    const bytes = Buffer.alloc(4);
    const result = fdOf(handle, bytes);
    if (result !== CS.ok) {
      this.#lost(result);
      return;
    }
    const ready = () => this.#dispatch(dispatch, handle);
    this.#polls.push(this.#poller.watch(bytes.readInt32LE(0), ready));
    ready();
  }

  /** A bounded number of events a turn; the descriptor stays readable when there are more. */
  #dispatch(dispatch: NativeCall, handle: bigint): void {
    for (let i = 0; i < COROSYNC_EVENTS_PER_TURN && !this.#closed; i++) {
      const before = this.#events;
      const result = dispatch(handle, ONE_NONBLOCKING);
      if (this.#error !== undefined) throw this.#error;
      if (result !== CS.ok && result !== CS.tryAgain) {
        this.#lost(result);
        return;
      }
      if (this.#events === before) break;
    }
    if (!this.#closed) this.#options.events.dispatched();
  }

  send(frame: Uint8Array): boolean {
    if (this.#closed) return false;
    this.#iovec.writeBigUInt64LE(BigInt(this.#libraries.koffi.address(frame)), 0);
    this.#iovec.writeBigUInt64LE(BigInt(frame.length), 8);
    const result = this.#libraries.cpg.multicast(this.#handles.cpg, AGREED, this.#iovec, 1);
    if (result === CS.ok) return true;
    if (result !== CS.tryAgain) setImmediate(() => this.#lost(result));
    return false;
  }

  async probe(): Promise<void> {
    await this.#token();
  }

  #lost(result: number): void {
    if (this.#closed) return;
    void this.close();
    this.#options.events.lost(resultError('cpg_dispatch', result));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const poll of this.#polls.splice(0)) poll.close();
    const { cpg, quorum, votes, map } = this.#libraries;
    const open: readonly (readonly [NativeCall, bigint | undefined])[] = [
      [cpg.finalize, this.#handles.cpg],
      [quorum.finalize, this.#handles.quorum],
      [votes.finalize, this.#handles.votes],
      [map.finalize, this.#handles.map],
    ];
    for (const [finalize, handle] of open) {
      // A Corosync that is gone has nothing to say.
      if (handle !== undefined) await this.#call('finalize', finalize, handle).catch(() => {});
    }
    this.#release();
  }

  /** Callbacks go when nothing in C can call them any more. */
  #release(): void {
    if (!this.#closed || this.#calls.size > 0) return;
    for (const callback of this.#callbacks.splice(0)) this.#libraries.koffi.unregister(callback);
  }

  readonly #onDeliver = (
    _handle: unknown,
    _group: unknown,
    nodeId: number,
    pid: number,
    message: unknown,
    length: number | bigint,
  ): void => {
    if (this.#closed) return;
    const bytes = this.#libraries.message(message, Number(length));
    this.#options.events.received({ nodeId, pid }, bytes);
  };

  readonly #onChanged = (
    _handle: unknown,
    _group: unknown,
    members: unknown,
    memberCount: number | bigint,
    left: unknown,
    leftCount: number | bigint,
  ): void => {
    if (this.#closed) return;
    this.#options.events.changed(
      this.#addresses(members, Number(memberCount)),
      this.#addresses(left, Number(leftCount)),
    );
  };

  readonly #onRing = (_handle: unknown, ringId: { readonly seq: number | bigint }): void => {
    if (!this.#closed) this.#options.events.ring(Number(ringId.seq));
  };

  /** The votes are a round trip of their own: the word on the quorum waits for them. */
  readonly #onQuorum = (_handle: unknown, quorate: number, ringSeq: number | bigint): void => {
    if (this.#closed) return;
    this.#notice = { quorate: quorate !== 0, ringSeq: Number(ringSeq) };
    void this.#askVotes();
  };

  async #askVotes(): Promise<void> {
    if (this.#closed) return;
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#asking = true;
    const info = Buffer.alloc(INFO_BYTES);
    const { votes } = this.#libraries;
    let isKnown = true;
    await this.#call('votequorum_getinfo', votes.info, this.#handles.votes, 0, info).catch(() => {
      isKnown = false;
    });
    this.#asking = false;
    if (this.#closed || this.#notice === undefined) return;
    if (!isKnown) {
      // No votes are not 0 votes needed: until it is known there is no view.
      setTimeout(() => void this.#askVotes(), COROSYNC_FULL_MS_MAX);
      return;
    }
    if (this.#askAgain) {
      this.#askAgain = false;
      void this.#askVotes();
      return;
    }
    const counted = { votes: info.readUInt32LE(8), needed: info.readUInt32LE(24) };
    this.#options.events.quorum({ ...this.#notice, ...counted });
  }

  #addresses(address: unknown, count: number): readonly CpgMember[] {
    const bytes = Buffer.from(this.#libraries.copy(address, count * ADDRESS_BYTES).buffer);
    return Array.from({ length: count }, (_, i) => ({
      nodeId: bytes.readUInt32LE(i * ADDRESS_BYTES),
      pid: bytes.readUInt32LE(i * ADDRESS_BYTES + 4),
    }));
  }
}
