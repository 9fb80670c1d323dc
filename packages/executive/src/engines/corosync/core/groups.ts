/** Our groups inside the one CPG group: who joined here, what they send, and what they are told. */
import {
  BufferPool,
  type Configuration,
  type Group,
  type GroupHandlers,
  type GroupMessage,
  type GroupOptions,
  type Guarantee,
  MESSAGE_BYTES_MAX,
  type RingId,
} from '@aisexec/totem';
import { Lane } from './lane.ts';
import { CPG_POOL_BYTES_MAX } from './limits.ts';

interface Joined {
  readonly name: string;
  readonly handlers: GroupHandlers;
  readonly sync: boolean;
  refused: boolean;
}

const GROUP_NAME = /^[\x21-\x7e]{1,32}$/;

export class Groups {
  readonly counters = {
    messagesSent: 0,
    messagesDelivered: 0,
    /** Messages that did not come back before the next view. */
    sentAgain: 0,
    syncDropped: 0,
    refused: 0,
    configurations: 0,
  };
  readonly #wake: () => void;
  /** Of messages that are sent or put together. */
  readonly pool = new BufferPool(CPG_POOL_BYTES_MAX);
  readonly #lanes = { normal: new Lane(false, this.pool), sync: new Lane(true, this.pool) };
  #joined: readonly Joined[] = [];
  #syncing = false;
  #regular: Configuration | undefined;

  /** @param wake something may be sent. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Only `sync` traffic flows. */
  get syncing(): boolean {
    return this.#syncing;
  }

  /** The traffic that flows now. */
  get lane(): Lane {
    return this.#syncing ? this.#lanes.sync : this.#lanes.normal;
  }

  join(name: string, handlers: GroupHandlers, options: GroupOptions): Group {
    if (!GROUP_NAME.test(name)) throw new RangeError(`group name '${name}': 1 to 32 of ASCII`);
    if (this.#joined.some((other) => other.name === name)) {
      throw new Error(`group ${name} is joined already on this node`);
    }
    if (options.straddling === 'deliver' && name !== 'sync') {
      const why = 'the engine corosync has no straddling messages: use a group of libcpg itself';
      throw new RangeError(`group ${name}: ${why}`);
    }
    const joined: Joined = { name, handlers, sync: options.traffic === 'sync', refused: false };
    this.#joined = [...this.#joined, joined];
    if (this.#regular !== undefined) handlers.configuration(this.#regular);
    return {
      multicast: (parts, guarantee) => this.#multicast(joined, parts, guarantee),
      leave: () => {
        this.#joined = this.#joined.filter((other) => other !== joined);
      },
    };
  }

  #multicast(group: Joined, parts: readonly Uint8Array[], guarantee: Guarantee): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > MESSAGE_BYTES_MAX) {
      throw new RangeError(`message of ${length} bytes, at most ${MESSAGE_BYTES_MAX} are allowed`);
    }
    if (!this.#laneOf(group).offer(group.name, parts, length, guarantee)) {
      this.counters.refused++;
      group.refused = true;
      return false;
    }
    this.counters.messagesSent++;
    this.#wake();
    return true;
  }

  #laneOf({ sync }: Joined): Lane {
    return sync && this.#syncing ? this.#lanes.sync : this.#lanes.normal;
  }

  deliver(message: GroupMessage): void {
    const group = this.#joined.find(({ name }) => name === message.group);
    if (group === undefined) return;
    this.counters.messagesDelivered++;
    group.handlers.deliver(message);
  }

  /** A message of this node came back. */
  cameBack(sync: boolean): void {
    const lane = this.#lanes[sync ? 'sync' : 'normal'];
    const message = lane.cameBack();
    if (message !== undefined) lane.release(message);
  }

  /** The old configuration ends with these. */
  transitional(configuration: Configuration): void {
    this.#tell(configuration);
  }

  regular(configuration: Configuration): void {
    this.#regular = configuration;
    this.#syncing = true;
    this.counters.configurations++;
    this.counters.sentAgain += this.#lanes.normal.rewind();
    this.counters.syncDropped += this.#lanes.sync.drop();
    this.#tell(configuration);
  }

  syncComplete(): void {
    this.#syncing = false;
    this.#wake();
  }

  /** Takes away what was sent in the configuration `ringId` and did not come back. */
  takeUnderWay(source: number, ringId: RingId): readonly GroupMessage[] {
    const { normal } = this.#lanes;
    const messages: GroupMessage[] = [];
    for (let next = normal.cameBack(); next !== undefined; next = normal.cameBack()) {
      messages.push({ group: next.group, source, ringId, bytes: next.bytes });
    }
    return messages;
  }

  tellDrained(): void {
    for (const group of this.#joined) {
      if (!group.refused || !this.#laneOf(group).hasRoomAgain) continue;
      group.refused = false;
      group.handlers.drained?.();
    }
  }

  stats() {
    const { normal, sync } = this.#lanes;
    return {
      ...this.counters,
      groups: this.#joined.length,
      queueMessages: normal.length,
      queueBytes: normal.bytes,
      syncQueueMessages: sync.length,
    };
  }

  #tell(configuration: Configuration): void {
    for (const { handlers } of this.#joined) handlers.configuration(configuration);
  }
}
