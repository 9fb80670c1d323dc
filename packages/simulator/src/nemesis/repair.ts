/** How an operator brings a node back whose stable store is lost. */
import type { SimNode } from '../world/node.ts';
import type { World } from '../world/world.ts';

/** How far above all others an operator sets a sequence that was lost. */
const REPAIR_STEP = 4000;

/** ADR 0051: nobody guesses; the operator chooses a sequence above everything the cluster has used. */
export function repairStore(world: World, node: SimNode): void {
  const highest = Math.max(...world.nodes.map(({ storedRingSeq }) => storedRingSeq));
  node.repairStore(highest + REPAIR_STEP);
}

export function repairAndStart(world: World, node: SimNode): void {
  repairStore(world, node);
  node.start();
}
