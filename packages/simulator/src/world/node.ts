/**
 * One node of the world: a stable store that survives, and a sequence of incarnations of a process that do
 * not. A paused process hears nothing; its packets queue up in the socket and come as a flood when it goes
 * on, its timers fire late. An incarnation that has ended has no effects any more, even when it ends in the
 * middle of a call (a crash inside the stable store).
 */
import { SIM_INBOX_PACKETS_MAX, SIM_INCARNATIONS_MAX } from '../limits.ts';
import type { Random } from '../random.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { Network } from './network.ts';
import type { ProcessEnvironment, ProcessFactory, SimProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { createTimers, type NodeTimers } from './timers.ts';

export interface SimNode {
  readonly id: number;
  readonly up: boolean;
  readonly paused: boolean;
  readonly incarnation: number;
  /** The running process; undefined while the node is down. */
  readonly process: SimProcess | undefined;
  start(): void;
  /** `loseStore`: the last write of the stable store did not reach the disk, though it said so. */
  crash(options?: { readonly loseStore?: boolean }): void;
  /** The next write of the stable store crashes the node instead of returning, with or without the write on disk. */
  crashInStore(how: 'lost' | 'kept' | undefined): void;
  /** The disk forgets the ring sequence: from the next start on the node refuses to come up (ADR 0051). */
  loseStore(): void;
  /** The operator puts a sequence back; without a lost store nothing happens. */
  repairStore(ringSeq: number): void;
  /** What is durable now. */
  readonly storedRingSeq: number;
  /** Every packet keeps the process busy for this long; 0 ends it. */
  slow(perPacketMs: number): void;
  leave(): void;
  pause(): void;
  resume(): void;
  arrive(packet: Uint8Array, source?: number, link?: number): void;
  /** A packet to `node` came back on network `link`: nobody listens there. True or false. */
  refused(node: number, link?: number): void;
}

export interface NodeOptions {
  readonly id: number;
  readonly index: number;
  readonly nodes: readonly number[];
  readonly scheduler: Scheduler;
  readonly networks: readonly Network[];
  readonly random: Random;
  readonly factory: ProcessFactory;
  readonly trace: (record: TraceRecord) => void;
  /** This node's clock against the world's: rate and offset. */
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  /** A process threw: a bug in it, reported as a violation. */
  readonly onException: (node: number, error: unknown) => void;
}

/** Sender of packets that a test makes; no nodeid. */
const NOBODY = 0;

/** A packet of node `source` on network `link`. */
interface Arrival {
  readonly packet: Uint8Array;
  readonly source: number;
  readonly link: number;
}

interface Life {
  alive: boolean;
  process: SimProcess;
  timers: NodeTimers;
}

export function createNode(options: NodeOptions): SimNode {
  const { id, index, nodes, scheduler, networks, random, trace } = options;
  const store = { ringSeq: 0, previous: 0, lost: false };
  let quorumRecord: Uint8Array | undefined;
  let life: Life | undefined;
  let incarnation = 0;
  let paused = false;
  let storeCrash: 'lost' | 'kept' | undefined;
  let slowMs = 0;
  let busyUntil = 0;
  let waiting = 0;
  let inbox: Arrival[] = [];

  const now = (): number => options.clockOffsetMs + scheduler.now * options.clockRate;

  const end = (reason: 'crash' | 'leave' | 'exception'): void => {
    if (life === undefined) return;
    trace({ kind: 'fail', time: scheduler.now, node: id, incarnation, reason });
    life.alive = false;
    life.timers.stop();
    life = undefined;
    paused = false;
    storeCrash = undefined;
    inbox = [];
  };

  /** Every call into the process; an exception is a bug of the process and ends the incarnation. */
  const call = (run: (process: SimProcess) => void): void => {
    const current = life;
    if (current === undefined) return;
    try {
      run(current.process);
    } catch (error) {
      options.onException(id, error);
      if (life === current) end('exception');
    }
  };

  const environmentOf = (self: Life): ProcessEnvironment => ({
    node: id,
    incarnation,
    nodes,
    store: { ringSeq: store.ringSeq, quorum: quorumRecord },
    storeQuorum(bytes) {
      if (self.alive) quorumRecord = bytes.slice();
    },
    random: random.fork(`life ${incarnation}`),
    get time() {
      return scheduler.now;
    },
    unicast(target, packet, link = 0) {
      const to = nodes.indexOf(target);
      if (self.alive && to >= 0) networks[link]!.send(index, to, packet);
    },
    multicast(packet, link = 0, targets = nodes) {
      if (!self.alive) return;
      for (let to = 0; to < nodes.length; to += 1) {
        if (to !== index && targets.includes(nodes[to]!)) networks[link]!.send(index, to, packet);
      }
    },
    setTimer(name, delayMs) {
      if (self.alive) self.timers.set(name, delayMs / options.clockRate);
    },
    cancelTimer(name) {
      if (self.alive) self.timers.cancel(name);
    },
    storeRingSeq(seq) {
      if (!self.alive) return;
      if (storeCrash !== 'lost') {
        store.previous = store.ringSeq;
        store.ringSeq = seq;
      }
      if (storeCrash !== undefined) end('crash');
    },
    trace(record) {
      if (self.alive) trace(record);
    },
  });

  const deliver = ({ packet, source, link }: Arrival): void =>
    call((process) => process.receive(packet, now(), source, link));

  const receive = (arrival: Arrival): void => {
    if (!paused) deliver(arrival);
    else if (inbox.length < SIM_INBOX_PACKETS_MAX) inbox.push(arrival);
  };

  /** One packet after the other, each when the process gets round to it. */
  const receiveSlowly = (arrival: Arrival): void => {
    if (waiting >= SIM_INBOX_PACKETS_MAX) return;
    const addressee = life;
    busyUntil = Math.max(busyUntil, scheduler.now) + slowMs;
    waiting += 1;
    const fire = (): void => {
      waiting -= 1;
      if (life === addressee) receive(arrival);
    };
    scheduler.at(busyUntil, { fire });
  };

  const flood = (): void => {
    const queued = inbox;
    inbox = [];
    for (const arrival of queued) deliver(arrival);
  };

  return {
    id,
    get up() {
      return life !== undefined;
    },
    get paused() {
      return paused;
    },
    get incarnation() {
      return incarnation;
    },
    get process() {
      return life?.process;
    },
    start() {
      if (life !== undefined || incarnation >= SIM_INCARNATIONS_MAX) return;
      if (store.lost) {
        const head = { time: scheduler.now, node: id, incarnation } as const;
        trace({ kind: 'note', ...head, event: 'start-refused' });
        return;
      }
      incarnation += 1;
      trace({ kind: 'start', time: scheduler.now, node: id, incarnation });
      const timers = createTimers(
        scheduler,
        () => paused,
        (name) => call((process) => process.timeout(name, now())),
      );
      // The environment needs the life it belongs to, the life the process, the process its environment.
      const self = { alive: true, timers } as Life;
      life = self;
      try {
        self.process = options.factory(environmentOf(self));
      } catch (error) {
        options.onException(id, error);
        end('exception');
        return;
      }
      call((process) => process.start(now()));
    },
    crash(how = {}) {
      if (how.loseStore === true) store.ringSeq = store.previous;
      end('crash');
    },
    crashInStore(how) {
      storeCrash = life === undefined ? undefined : how;
    },
    loseStore() {
      store.lost = true;
    },
    repairStore(ringSeq) {
      if (!store.lost) return;
      store.lost = false;
      store.previous = store.ringSeq;
      store.ringSeq = ringSeq;
    },
    get storedRingSeq() {
      return store.ringSeq;
    },
    slow(perPacketMs) {
      slowMs = perPacketMs;
    },
    leave() {
      if (paused) return;
      call((process) => process.leave(now()));
      end('leave');
    },
    pause() {
      if (life !== undefined) paused = true;
    },
    resume() {
      if (!paused) return;
      paused = false;
      // The kernel queued packets, the event loop late timers: which come first is not ours to know.
      const current = life;
      const timersFirst = random.chance(0.5);
      if (timersFirst) current?.timers.fireLate();
      flood();
      if (!timersFirst) current?.timers.fireLate();
    },
    arrive(packet, source = NOBODY, link = 0) {
      if (life === undefined) return;
      const arrival = { packet, source, link };
      if (slowMs > 0 || busyUntil > scheduler.now) receiveSlowly(arrival);
      else receive(arrival);
    },
    refused(node, link = 0) {
      if (!paused) call((process) => process.suspect(node, now(), link));
    },
  };
}
