/** One seeded life of a cluster under fire, then peace, then the judgement. */
import { checkEvs } from './evs.fixture.ts';
import { generator, TestNet } from './test-net.fixture.ts';

export interface ChaosOptions {
  readonly initialSeq?: number;
  readonly steps?: number;
  /** Chance that a packet on its way is followed by a recorded, older one. */
  readonly replay?: number;
}

export function runChaos(seed: number, options: ChaosOptions = {}): TestNet {
  const random = generator(seed * 7919);
  const pick = (n: number): number => Math.floor(random() * n);
  const count = 2 + pick(4);
  const nodes = Array.from({ length: count }, (_, i) => (i + 1) * 10);
  const net = new TestNet({
    seed,
    loss: random() < 0.5 ? random() * 0.2 : 0,
    duplication: random() < 0.5 ? random() * 0.2 : 0,
    delayMs: [0.1, random() < 0.3 ? 8 : 0.5],
    config: {
      initialSeq: options.initialSeq ?? 0,
      failRecvConst: random() < 0.2 ? 20 : 2500,
      sendJoinMs: random() < 0.2 ? 5 : 0,
    },
  });
  const { replay = 0 } = options;
  const tape: Uint8Array[] = [];
  if (replay > 0) {
    net.filter = (_from, to, packet) => {
      tape[pick(400)] = packet.slice();
      const old = random() < replay ? tape[pick(400)] : undefined;
      if (old !== undefined) net.at(random() * 300, () => injectIfAlive(net, to, old.slice()));
      return true;
    };
  }
  net.start(...nodes);
  const down = new Set<number>();
  for (let step = 0; step < (options.steps ?? 25); step++) {
    disturb(net, nodes, down, pick);
    for (let i = pick(60); i > 0; i--) {
      const node = nodes[pick(count)]!;
      if (!down.has(node)) net.submit(node, random() < 0.3 ? 'safe' : 'agreed');
    }
    net.run(random() < 0.3 ? random() * 400 : random() * 30);
  }
  // Peace: everybody up, a clean network, and a bound for one ring that has delivered everything.
  net.loss = 0;
  net.duplication = 0;
  net.delayMs = [0.1, 0.5];
  net.filter = () => true;
  net.partition();
  for (const node of nodes) net.resume(node);
  net.start(...down);
  net.runUntil(() => net.isOneRing(...nodes), 5_000);
  for (const node of nodes) net.submit(node, 'safe');
  net.runUntil(() => isQuiet(net), 5_000);
  checkEvs(net);
  return net;
}

function disturb(
  net: TestNet,
  nodes: readonly number[],
  down: Set<number>,
  pick: (n: number) => number,
): void {
  const node = nodes[pick(nodes.length)]!;
  switch (pick(9)) {
    case 0:
      if (down.has(node)) break;
      net.crash(node);
      down.add(node);
      break;
    case 1:
      if (down.has(node)) break;
      net.leave(node);
      down.add(node);
      break;
    case 2:
    case 3:
      if (down.delete(node)) net.start(node);
      break;
    case 4:
      net.partition(nodes.filter(() => pick(2) === 0));
      break;
    case 5:
      net.partition();
      break;
    case 6:
      net.pause(node);
      break;
    case 7:
      net.resume(node);
      break;
    default:
      break;
  }
}

function injectIfAlive(net: TestNet, nodeId: number, packet: Uint8Array): void {
  if (net.life(nodeId).alive) net.inject(nodeId, packet);
}

function isQuiet(net: TestNet): boolean {
  return net.living().every((life) => {
    const own = life.submitted.at(-1);
    return (
      own === undefined ||
      net.living().every(({ log }) => log.some((e) => e.kind === 'deliver' && e.id === own))
    );
  });
}
