// A small application that uses all four services of one executive: it watches the membership, takes turns
// at a lock, publishes events and writes checkpoint sections, and keeps books on what was acknowledged.
// When its executive dies it connects again as soon as there is one.
import { setTimeout as delay } from 'node:timers/promises';
import { isSaAisError, SA_AIS_ERR_EXIST, SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService } from '@aisexec/evt';
import { LockService } from '@aisexec/lck';

const LOCK = 'turn';
const CHANNEL = 'news';
const CHECKPOINT = 'counters';
const HOLD_MS = 120;
const PUBLISH_EVERY_MS = 20;
const WRITE_EVERY_MS = 20;
const RECONNECT_MS = 100;
const SECTIONS_MAX = 32;
/** Written in turns, so that a write leaves the one before it to be seen. */
const SLOTS = [0, 1];
const SECTION_BYTES_MAX = 64;
const RETENTION_MS = 60_000;

const encode = (value) => Buffer.from(JSON.stringify(value));
const decode = (bytes) => JSON.parse(Buffer.from(bytes).toString());

/** What one application has seen and what its executive acknowledged to it. */
export function createBooks() {
  return {
    /** `{ view, members }` as the membership service told them. */
    views: [],
    /** Acknowledged publications: `publisher:number`. */
    published: [],
    /** Every delivered event as `publisher:number`, in order; `lost` for a lost marker, and where a new session began. */
    received: [],
    /** Highest counter whose checkpoint write was acknowledged. */
    writtenCounter: 0,
    writes: 0,
    /** Acknowledged writes that the next one did not find. */
    lostWrites: [],
    /** `{ node, token, from, until }`, times in ms of this machine's monotonic clock. */
    grants: [],
    sessions: 0,
    waiting: false,
    holding: undefined,
    errors: [],
  };
}

export class Application {
  books = createBooks();
  #node;
  #running = new AbortController();
  #writing = new AbortController();
  #done;
  /** Resolves when what produces has ended. */
  #producing = Promise.resolve();
  #next = 1;
  #listening = signalPromise();
  #begun = signalPromise();

  constructor(node) {
    this.#node = node;
  }

  /** Resolves when it is connected and hears events; it produces nothing before {@link begin}. */
  start() {
    this.#done = this.#run();
    return this.#listening.promise;
  }

  begin() {
    this.#begun.resolve();
  }

  /** Stops producing (events, writes, locks) and goes on listening; resolves when the last write has its answer. */
  quiesce() {
    this.#writing.abort();
    return this.#producing;
  }

  async stop() {
    this.quiesce();
    this.begin();
    this.#running.abort();
    await this.#done;
  }

  async #run() {
    const signal = this.#running.signal;
    while (!signal.aborted) {
      try {
        await this.#session(signal);
      } catch (error) {
        if (!signal.aborted) this.books.errors.push(`${error}`);
      }
      if (!signal.aborted) await delay(RECONNECT_MS);
    }
  }

  /** One life with one executive: ends when the connection is lost or the application stops. */
  async #session(stopped) {
    const lost = new AbortController();
    const ended = AbortSignal.any([stopped, lost.signal]);
    const services = await connectAll(this.#node.socket);
    try {
      if (this.books.sessions++ > 0) this.books.received.push('lost');
      const channel = await services.events.open(CHANNEL, {
        create: true,
        publisher: true,
        subscriber: true,
      });
      const checkpoint = await openCounters(services.checkpoints);
      const resource = await services.locks.open(LOCK, { create: true });
      const subscription = channel.subscribe([], { signal: ended });
      await subscription.ready;
      this.#listening.resolve();
      await this.#begun.promise;
      const busy = AbortSignal.any([ended, this.#writing.signal]);
      const producers = [
        this.#publish(channel, busy),
        this.#count(checkpoint, busy),
        this.#takeTurns(resource, busy),
      ];
      this.#producing = Promise.allSettled(producers);
      const tasks = [
        this.#watchMembers(services.membership, ended),
        this.#listen(subscription),
        ...producers,
      ];
      const settled = tasks.map((task) =>
        task.catch((error) => {
          if (!ended.aborted && !busy.aborted) this.books.errors.push(`${error}`);
          if (!busy.aborted) lost.abort();
        }),
      );
      await Promise.all(settled);
    } finally {
      this.books.waiting = false;
      this.books.holding = undefined;
      await Promise.allSettled(Object.values(services).map((service) => service.close()));
    }
  }

  async #watchMembers(membership, signal) {
    for await (const change of membership.track({ signal })) {
      const members = change.members.map((member) => member.nodeId).sort((a, b) => a - b);
      this.books.views.push({ view: String(change.viewNumber), members });
    }
  }

  async #listen(subscription) {
    for await (const item of subscription) {
      this.books.received.push(item.type === 'lost' ? 'lost' : decode(item.data).id);
    }
  }

  async #publish(channel, signal) {
    while (!signal.aborted) {
      const id = `${this.#node.id}:${this.#next++}`;
      await channel.publish({ data: encode({ id }) });
      this.books.published.push(id);
      await pause(PUBLISH_EVERY_MS, signal);
    }
  }

  async #count(checkpoint, signal) {
    const { books } = this;
    let counter = Math.max(await readCounter(checkpoint, this.#node), books.writtenCounter);
    if (counter === 0) {
      for (const slot of SLOTS) {
        const section = checkpoint.section(sectionOf(this.#node, slot));
        await section.create(encode({ counter })).catch(ignoreExisting);
      }
    }
    while (!signal.aborted) {
      counter++;
      await checkpoint.section(sectionOf(this.#node, counter % 2)).overwrite(encode({ counter }));
      const before = await readSlot(checkpoint, this.#node, (counter - 1) % 2);
      if (books.writtenCounter === counter - 1 && before < counter - 1) {
        books.lostWrites.push(`${this.#node.name}: ${counter - 1} was written, ${before} is there`);
      }
      books.writtenCounter = counter;
      books.writes++;
      await pause(WRITE_EVERY_MS, signal);
    }
  }

  async #takeTurns(resource, signal) {
    while (!signal.aborted) {
      this.books.waiting = true;
      const lock = await resource.acquire('EX', { signal });
      this.books.waiting = false;
      const grant = {
        node: this.#node.id,
        token: String(lock.fencingToken),
        from: performance.now(),
      };
      this.books.grants.push(grant);
      this.books.holding = grant;
      await pause(HOLD_MS, AbortSignal.any([signal, lock.signal]));
      grant.until = performance.now();
      this.books.holding = undefined;
      if (!lock.signal.aborted) await lock.unlock();
    }
  }
}

async function connectAll(socket) {
  const services = [Membership, LockService, EventService, CheckpointService];
  const attempts = await Promise.allSettled(services.map((one) => one.connect({ socket })));
  const failed = attempts.find(({ status }) => status === 'rejected');
  const [membership, locks, events, checkpoints] = attempts.map(({ value }) => value);
  if (failed === undefined) return { membership, locks, events, checkpoints };
  // All or none: who tries again must not leave connections behind.
  await Promise.allSettled(attempts.map(({ value }) => value?.close()));
  throw failed.reason;
}

/** The shared checkpoint; whoever comes first makes it, and it outlives a cluster-wide lapse of its users. */
export function openCounters(checkpoints) {
  return checkpoints.open(CHECKPOINT, {
    create: {
      maxSections: SECTIONS_MAX,
      maxSectionBytes: SECTION_BYTES_MAX,
      retentionMs: RETENTION_MS,
    },
  });
}

/** The counter that an application keeps in its own sections; 0 before its first write. */
export async function readCounter(checkpoint, node) {
  return Math.max(...(await Promise.all(SLOTS.map((slot) => readSlot(checkpoint, node, slot)))));
}

async function readSlot(checkpoint, node, slot) {
  try {
    return decode(await checkpoint.section(sectionOf(node, slot)).read()).counter;
  } catch (error) {
    if (isSaAisError(error, SA_AIS_ERR_NOT_EXIST)) return 0;
    throw error;
  }
}

const sectionOf = (node, slot) => `node-${node.id}.${slot}`;

const pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});

function ignoreExisting(error) {
  if (!isSaAisError(error, SA_AIS_ERR_EXIST)) throw error;
}

function signalPromise() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
