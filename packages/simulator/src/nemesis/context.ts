/** What every fault is given. */
import type { Random } from '../random.ts';
import type { Network, NetworkConditions } from '../world/network.ts';
import type { World } from '../world/world.ts';

/** What a fault may use. Steps scheduled with `later` are void after the heal. */
export interface FaultContext {
  readonly world: World;
  /** The networks that this fault hits: all, or one. */
  readonly networks: readonly Network[];
  readonly random: Random;
  readonly durationMs: number;
  /** The network as the seed wants it between faults. */
  readonly conditions: NetworkConditions;
  later(delayMs: number, run: () => void): void;
}
