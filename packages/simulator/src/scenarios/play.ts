/** Plays a scenario: the real ring, a healthy network, and exactly the faults that the file names. */
import { createRing, wire } from '@aisexec/totem';
import { createEvsChecker, type EvsChecker } from '../checkers/evs.ts';
import { type Violation, violationText } from '../checkers/violation.ts';
import { repairAndStart, repairStore } from '../nemesis/repair.ts';
import {
  type RingFactory,
  type RingSettings,
  ringProcessFactory,
} from '../processes/ring-process.ts';
import { createRandom } from '../random.ts';
import { createTrace } from '../trace/trace.ts';
import { healthyConditions } from '../world/network.ts';
import type { SimNode } from '../world/node.ts';
import { createWorld, type World } from '../world/world.ts';
import { createPacketDesk, type PacketDesk } from './packet-desk.ts';
import type { Action, Condition, Script } from './parse.ts';
import { createSummary } from './summary.ts';

export interface Played {
  /** The golden trace. */
  readonly text: string;
  /** Steps that failed and properties that were violated, each a sentence. */
  readonly problems: readonly string[];
}

interface Stage {
  readonly world: World;
  readonly desk: PacketDesk;
  readonly checker: EvsChecker;
  readonly tokenMs: number;
  /** Messages delivered by node since its start. */
  readonly delivered: Map<number, number>;
  /** Nodes that have refused to start. */
  readonly refused: Set<number>;
  node(id: number): SimNode;
}

const POLL_MS = 1;
/** A forged JOIN's author; no node of any scenario. */
const FORGER = 900;
const END_MS = 3000;

export function play(script: Script, create: RingFactory = createRing): Played {
  const summary = createSummary();
  const checker = createEvsChecker();
  const delivered = new Map<number, number>();
  const refused = new Set<number>();
  const random = createRandom(script.seed, 'scenario file');
  const desk = createPacketDesk((to, packet) => world.nodes[to]!.arrive(packet));
  const trace = createTrace([
    checker.record,
    summary.record,
    (record) => {
      if (record.kind === 'deliver') {
        delivered.set(record.node, (delivered.get(record.node) ?? 0) + 1);
      } else if (record.kind === 'start') delivered.set(record.node, 0);
      else if (record.kind === 'note' && record.event === 'start-refused') refused.add(record.node);
    },
  ]);
  const world: World = createWorld({
    random,
    nodes: script.nodes,
    conditions: healthyConditions(script.delayMs, script.delayMs * 1.2),
    filter: desk.filter,
    factory: ringProcessFactory({
      createRing: create,
      settings: settingsOf(script),
      load: { rate: script.load, safe: 0.2, burst: 1, full: 0, middle: 0 },
      quorum: { provider: 'none' },
    }),
    trace,
  });
  const node = (id: number): SimNode => world.nodes[id - 1]!;
  const { tokenMs } = script;
  const stage: Stage = { world, desk, checker, tokenMs, delivered, refused, node };
  const problems: string[] = [];
  let healed = false;
  for (const { action, line, text } of script.steps) {
    summary.step(text);
    healed ||= action.kind === 'heal';
    const problem = perform(stage, action);
    if (problem !== undefined) problems.push(`line ${line}: ${text}: ${problem}`);
  }
  if (healed) conclude(stage);
  for (const { node: id, text } of world.exceptions) problems.push(`node ${id} threw ${text}`);
  problems.push(...checker.log.list.map((violation: Violation) => violationText(violation)));
  return { text: summary.text(), problems };
}

/** After a heal: one last message of everybody must reach everybody. */
function conclude({ world, checker }: Stage): void {
  for (const { process } of world.nodes) process?.load(false);
  waitFor(world, END_MS, () => checker.settled());
  world.trace.emit({ kind: 'end', time: world.now, node: 0, incarnation: 0 });
}

/** @returns what went wrong. */
function perform(stage: Stage, action: Action): string | undefined {
  const { world, desk, node } = stage;
  switch (action.kind) {
    case 'expect':
      if (waitFor(world, action.withinMs, () => holds(stage, action.condition))) return undefined;
      return `did not come; ${placesText(stage)}`;
    case 'run':
      world.scheduler.runUntil(world.now + action.ms);
      return undefined;
    case 'calm':
      return stayCalm(stage, action.ms);
    case 'lose':
    case 'copy':
    case 'hold':
      desk.add(action.kind, action.rule);
      return undefined;
    case 'pass':
      desk.clear();
      return undefined;
    case 'replay':
      return desk.replay() > 0 ? undefined : 'nothing was copied';
    case 'release':
      return desk.release() > 0 ? undefined : 'nothing was held';
    case 'forge':
      node(action.to).arrive(forgedJoin(action.names));
      return undefined;
    case 'hint':
      node(action.node).refused(action.suspect);
      return undefined;
    case 'send':
      node(action.node).process?.send?.(action.count, action.safe);
      return undefined;
    default:
      return disturb(stage, action);
  }
}

type Disturbance = Extract<
  Action,
  | { readonly nodes: readonly number[] }
  | { readonly kind: 'cut' | 'mute' | 'mend' | 'heal' | 'crash-in-store' }
>;

function disturb({ world, desk, node }: Stage, action: Disturbance): undefined {
  const { network } = world;
  switch (action.kind) {
    case 'cut':
      for (const left of action.left) {
        for (const right of action.right) {
          network.block(left - 1, right - 1, true);
          network.block(right - 1, left - 1, true);
        }
      }
      return undefined;
    case 'mute':
      network.block(action.from - 1, action.to - 1, true);
      return undefined;
    case 'mend':
      network.heal();
      return undefined;
    case 'heal':
      network.heal();
      desk.clear();
      for (const each of world.nodes) each.resume();
      for (const each of world.nodes) repairAndStart(world, each);
      world.trace.emit({ kind: 'heal', time: world.now, node: 0, incarnation: 0 });
      return undefined;
    case 'crash-in-store':
      node(action.node).crashInStore(action.how);
      return undefined;
    default:
      for (const id of action.nodes) BY_NODE[action.kind](node(id), world);
      return undefined;
  }
}

const BY_NODE = {
  start: (node: SimNode) => node.start(),
  crash: (node: SimNode) => node.crash(),
  pause: (node: SimNode) => node.pause(),
  resume: (node: SimNode) => node.resume(),
  leave: (node: SimNode) => node.leave(),
  'lose-store': (node: SimNode) => node.loseStore(),
  'repair-store': (node: SimNode, world: World) => repairStore(world, node),
} as const;

function holds({ world, delivered, refused, node }: Stage, condition: Condition): boolean {
  const { nodes } = condition;
  switch (condition.kind) {
    case 'ring': {
      const seq = node(nodes[0]!).process?.ring.seq;
      const isOne = nodes.every((id) => {
        const { process } = node(id);
        return process?.state === 'operational' && process.ring.seq === seq;
      });
      return isOne && lastMembers(world, nodes);
    }
    case 'state':
      return nodes.every((id) => node(id).process?.state === condition.state);
    case 'delivered':
      return nodes.every((id) => (delivered.get(id) ?? 0) >= condition.count);
    case 'refused':
      return nodes.every((id) => refused.has(id));
  }
}

/** Nobody else is in that ring. */
function lastMembers(world: World, nodes: readonly number[]): boolean {
  const members = world.nodes.find(({ id }) => id === nodes[0])?.process?.stats()['members'];
  return members === nodes.length;
}

/** No configuration may be installed. */
function stayCalm({ world, checker }: Stage, ms: number): string | undefined {
  const before = checker.summary.configurations;
  world.scheduler.runUntil(world.now + ms);
  const changes = checker.summary.configurations - before;
  return changes === 0 ? undefined : `${changes} configurations were installed`;
}

function waitFor(world: World, boundMs: number, isDone: () => boolean): boolean {
  const until = world.now + boundMs;
  while (!isDone()) {
    if (world.now >= until) return false;
    world.scheduler.runUntil(world.now + POLL_MS);
  }
  return true;
}

function placesText({ world, delivered }: Stage): string {
  const places = world.nodes.map(({ id, process, paused }) => {
    if (process === undefined) return `${id} down`;
    const { state, ring } = process;
    const count = delivered.get(id) ?? 0;
    return `${id} ${paused ? 'paused in ' : ''}${state} ${ring.rep}.${ring.seq}, ${count} delivered`;
  });
  return places.join('; ');
}

/** A JOIN that names so many nodes; decoders and lists must stand it. */
function forgedJoin(names: number): Uint8Array {
  const proc = Array.from({ length: Math.min(names, wire.NODES_MAX) }, (_, i) => FORGER + i);
  return wire.encodeJoin({ systemFrom: FORGER, leave: false, ringSeq: 4, proc, failed: [] });
}

/** Corosync's proportions (totem-wire §3.1). */
function settingsOf({ tokenMs, firstSeq, failRecv }: Script): RingSettings {
  return {
    payloadBytesMax: 300,
    tokenMs,
    tokenMaxMs: tokenMs,
    tokenRetransmitMs: tokenMs / 4.2,
    holdMs: Math.max(14, tokenMs / 5.25 - 10),
    joinMs: Math.min(50, tokenMs / 6),
    consensusMs: tokenMs * 1.2,
    mergeMs: Math.min(200, tokenMs),
    sendJoinMs: 0,
    failRecvConst: failRecv,
    seqnoUnchangedConst: 30,
    missCountConst: 5,
    windowSize: 50,
    maxMessages: 17,
    acceleratedWindow: 0,
    queueSlots: 256,
    initialSeq: firstSeq,
  };
}
