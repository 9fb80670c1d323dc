/**
 * Corosync's CPG for several cores in one process: daemons, executives, and everything that may happen in between,
 * chosen by a seed.
 */
import { createRandom, type Random } from '@aisexec/service/testing';
import type { Configuration, Group, RingId } from '@aisexec/totem';
import { CpgCore } from './core.ts';
import { CpgDaemons, type Daemon } from './cpg-daemons.fixture.ts';

/** What one life of one executive was told and has sent. */
export interface Life {
  readonly node: number;
  readonly core: CpgCore;
  readonly told: Told[];
  readonly sent: string[];
  group?: Group;
  pid: number;
  connected: boolean;
  alive: boolean;
}

export type Told =
  | { readonly configuration: Configuration; readonly quorate: boolean }
  | { readonly message: string; readonly ringId: RingId };

/** What a message says stands in its first bytes. */
const HEAD_BYTES = 24;

export class CpgWorld {
  readonly lives: Life[] = [];
  readonly traced: string[] = [];
  readonly random: Random;
  readonly #count: number;
  readonly #daemons: CpgDaemons;
  readonly #executives = new Map<number, Life>();
  readonly #stores = new Map<number, number>();
  readonly #stopped = new Set<number>();
  #pid = 100;
  #said = 0;

  constructor(seed: number, count: number) {
    this.random = createRandom(seed);
    this.#count = count;
    this.#daemons = new CpgDaemons(count, (node) => this.#executives.get(node)?.connected === true);
    for (let node = 1; node <= count; node++) {
      this.startCorosync(node);
      this.startExecutive(node);
    }
  }

  executive(node: number): Life {
    return this.#executives.get(node)!;
  }

  startCorosync(node: number): void {
    this.#daemons.start(node);
  }

  killCorosync(node: number): void {
    if (!this.#daemons.kill(node)) return;
    const life = this.#executives.get(node);
    if (life !== undefined) this.#lose(life);
  }

  startExecutive(node: number): void {
    if (this.#executives.has(node)) return;
    const told: Told[] = [];
    const core: CpgCore = new CpgCore({
      nodeId: node,
      highest: this.#stores.get(node) ?? 0,
      quorum: true,
      effects: {
        send: (frame) => this.#send(life, frame),
        wake: () => {},
        store: ({ seq }) => void this.#stores.set(node, seq),
        rejoin: () => this.leaveGroup(life),
        occupied: (pid) => void this.traced.push(`occupied by ${pid}`),
        trace: (event) => void this.traced.push(event),
      },
    });
    const life: Life = { node, core, told, sent: [], pid: 0, connected: false, alive: true };
    this.lives.push(life);
    this.#executives.set(node, life);
    life.group = core.join('test', {
      deliver: ({ bytes, ringId }) => void told.push({ message: headOf(bytes), ringId }),
      configuration: (configuration) =>
        void told.push({ configuration, quorate: core.quorum.quorate }),
    });
    synchronise(core);
  }

  killExecutive(node: number): void {
    const life = this.#executives.get(node);
    if (life === undefined) return;
    this.#executives.delete(node);
    life.alive = false;
    this.#stopped.delete(node);
    if (life.connected) this.#daemons.order(node, { left: life.pid });
    life.connected = false;
  }

  /** SIGSTOP: Corosync keeps it as a member. */
  pause(node: number): void {
    this.#stopped.add(node);
  }

  resume(): void {
    this.#stopped.clear();
  }

  split(sideOf: (node: number) => number): void {
    this.#daemons.split(sideOf);
  }

  heal(): void {
    this.#daemons.split(() => 0);
  }

  /** A process that is no executive enters the group. */
  intrude(node: number, bytes: Uint8Array): void {
    const daemon = this.#daemons.get(node);
    const pid = ++this.#pid;
    if (daemon === undefined) return;
    this.#daemons.order(node, { joined: pid });
    this.#daemons.log(daemon.ring, { from: { nodeId: node, pid }, bytes });
  }

  /** An operator changes what quorum takes, in one and the same ring. */
  judge(quorate: boolean): void {
    for (const { ring, events } of this.#daemons.all()) {
      events.push({ quorum: ring.seq, quorate, votes: 1 });
    }
  }

  /** The executive lets go of the group, and comes back later. */
  leaveGroup(life: Life): void {
    if (!life.connected) return;
    this.#daemons.order(life.node, { left: life.pid });
    this.#lose(life);
  }

  #lose(life: Life): void {
    life.connected = false;
    const daemon = this.#daemons.get(life.node);
    if (daemon !== undefined) {
      daemon.events = [];
      daemon.outgoing = [];
    }
    // Not from inside the core.
    queue.push(() => life.core.disconnected());
    if (queue.length === 1 && !running) flush();
  }

  #connect(life: Life): void {
    const daemon = this.#daemons.get(life.node);
    if (daemon === undefined || life.connected || daemon.ring.seq === 0) return;
    // An executive that comes back has let go of the group first.
    if (daemon.members.some(({ nodeId, pid }) => nodeId === life.node && pid === life.pid)) return;
    life.pid = ++this.#pid;
    life.connected = true;
    life.core.connected(life.pid);
    this.#daemons.drain(daemon);
    daemon.events = [];
    this.#daemons.order(life.node, { joined: life.pid });
    this.#daemons.drain(daemon);
    daemon.events.push({ ring: daemon.ring.seq }, this.#daemons.quorum(daemon.ring));
  }

  #send(life: Life, bytes: Uint8Array): boolean {
    const daemon = this.#daemons.get(life.node);
    if (daemon === undefined || !life.connected) return false;
    const from = { nodeId: life.node, pid: life.pid };
    return this.#daemons.send(daemon, { from, bytes: bytes.slice() });
  }

  /** One of the things that can happen now, at one node. */
  step(): void {
    if (this.#daemons.changed && this.random.below(4) === 0) this.#daemons.reform();
    const node = 1 + this.random.below(this.#count);
    const life = this.#executives.get(node);
    const daemon = this.#daemons.get(node);
    const what = this.random.below(8);
    if (daemon !== undefined) {
      if (what < 2 && daemon.outgoing.length > 0) {
        this.#daemons.log(daemon.ring, daemon.outgoing.shift()!);
      } else if (what < 5 && daemon.taken < daemon.ring.log.length) this.#daemons.take(daemon);
    }
    if (life === undefined || this.#stopped.has(node)) return;
    if (!life.connected && this.random.below(2) === 0) this.#connect(life);
    if (what < 4) this.#fetch(life, daemon);
    else if (what === 7 && this.random.below(8) === 0) life.core.tick();
    else life.core.pump();
    flush();
  }

  #fetch({ core, connected }: Life, daemon: Daemon | undefined): void {
    const event = connected ? daemon?.events.shift() : undefined;
    if (event === undefined) return;
    if ('from' in event) {
      const lent = event.bytes.slice();
      core.received(event.from, lent);
      lent.fill(0xdb);
    } else if ('members' in event) core.changed(event.members, event.left);
    else if ('ring' in event) core.ring(event.ring);
    else {
      const { quorum: ringSeq, quorate, votes } = event;
      core.quorumChanged({ ringSeq, quorate, votes, needed: Math.floor(this.#count / 2) + 1 });
    }
  }

  say(node: number): void {
    const life = this.#executives.get(node);
    if (life === undefined) return;
    const guarantee = this.random.below(3) === 0 ? 'safe' : 'agreed';
    const message = `${node}-${++this.#said}-${guarantee}`;
    const size = this.random.below(40) === 0 ? this.random.below(200_000) : 16;
    const bytes = new TextEncoder().encode(message.padEnd(Math.max(size, HEAD_BYTES), ' '));
    if (life.group!.multicast([bytes.subarray(0, 5), bytes.subarray(5)], guarantee)) {
      life.sent.push(message);
    }
  }

  /** Runs until all living executives have one view and nothing under way. @throws when that does not happen. */
  settle(): void {
    this.resume();
    this.heal();
    for (let node = 1; node <= this.#count; node++) {
      this.startCorosync(node);
      this.startExecutive(node);
    }
    for (let steps = 0; steps < 400_000; steps++) {
      this.step();
      if (steps % 200 === 0 && this.isQuiet()) return;
    }
    const views = [...this.#executives.values()].map(({ core }) =>
      JSON.stringify(core.view?.ringId),
    );
    throw new Error(`not settled: ${views.join(' ')}`);
  }

  isQuiet(): boolean {
    const all = [...this.#executives.values()];
    const rings = new Set(
      all.map(({ core }) => `${core.view?.ringId.rep}.${core.view?.ringId.seq}`),
    );
    return (
      rings.size === 1 &&
      all.every(({ core }) => {
        const { queueMessages, held } = core.stats();
        return (
          core.view?.members.length === this.#count &&
          core.state === 'operational' &&
          queueMessages === 0 &&
          held === 0 &&
          core.quorum.quorate
        );
      })
    );
  }
}

/** What must not happen inside a call of a core. */
const queue: (() => void)[] = [];
let running = false;
function flush(): void {
  if (running) return;
  running = true;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  running = false;
}

function headOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES)).trim();
}

/** A synchronisation in which every member says one thing. */
function synchronise(core: CpgCore): void {
  let heard = new Set<number>();
  let current: RingId | undefined;
  let members: readonly number[] = [];
  const group = core.join(
    'sync',
    {
      deliver: ({ source, bytes }) => {
        if (current === undefined || headOf(bytes) !== `${current.rep}.${current.seq}`) return;
        heard.add(source);
        if (members.every((member) => heard.has(member))) core.syncComplete(current);
      },
      configuration: ({ type, ringId, members: all }) => {
        if (type === 'transitional') return;
        current = ringId;
        members = all;
        heard = new Set();
        group.multicast([new TextEncoder().encode(`${ringId.rep}.${ringId.seq}`)], 'agreed');
      },
    },
    { traffic: 'sync' },
  );
}
