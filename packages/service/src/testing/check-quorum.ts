/**
 * Tries a quorum filter: up to four nodes part, meet and restart, a few thousand times from one seed, and what they
 * tell may be missing or rubbish. Members must agree, the filter must not throw, and what it tells must fit.
 */
import { decode, encode } from '../codec.ts';
import { QUORUM_SAID_BYTES_MAX } from '../limits.ts';
import type { QuorumFilter, QuorumStore } from '../quorum/contract.ts';
import { createRandom } from './random.ts';

export interface CheckQuorumOptions {
  readonly create: (nodeId: number, nodes: readonly number[], store: QuorumStore) => QuorumFilter;
  /** Also: of a cluster in which all tell what they should, at most one part is quorate. */
  readonly onePart?: boolean;
  readonly seed?: number;
}

const STEPS = 3_000;
const NODES: readonly number[] = [1, 2, 3, 4];

/** @throws Error that says what the filter did, and after how many steps. */
export function checkQuorumFilter({ create, onePart = false, seed = 1 }: CheckQuorumOptions): void {
  const random = createRandom(seed);
  const disks = new Map<number, Uint8Array>();
  const filters = new Map<number, QuorumFilter>();
  const rings = new Map<number, readonly number[]>();
  const boot = (node: number) => {
    const save = (bytes: Uint8Array) => void disks.set(node, bytes.slice());
    filters.set(node, create(node, NODES, { saved: disks.get(node), save }));
    rings.set(node, []);
  };
  for (const node of NODES) boot(node);
  for (let step = 1; step <= STEPS; step++) {
    const fail = (text: string): never => {
      throw new Error(`${text} (step ${step}, seed ${seed})`);
    };
    if (random.below(10) === 0) boot(random.pick(NODES));
    const present = NODES.filter(() => random.below(2) === 0);
    if (present.length === 0) continue;
    const isRubbish = !onePart && random.below(10) === 0;
    const members = present.map((nodeId) => {
      const said = filters.get(nodeId)!.tell?.();
      const packed = said === undefined ? undefined : encode(said);
      if ((packed?.length ?? 0) > QUORUM_SAID_BYTES_MAX) fail(`tells ${packed?.length} bytes`);
      const decoded = packed === undefined ? undefined : decode(packed);
      if (decoded?.ok === false) fail('tells what cannot be read');
      if (isRubbish && random.below(2) === 0) return { nodeId, said: random.pick([null, 'x', {}]) };
      return decoded?.ok === true ? { nodeId, said: decoded.value } : { nodeId };
    });
    const ring = { ringId: { rep: present[0]!, seq: step * 4 }, members, time: BigInt(step) };
    for (const node of present) filters.get(node)!.propose?.(ring);
    const states = present.map((node) => filters.get(node)!.update(ring));
    const verdicts = new Set(states.map(({ quorate }) => quorate));
    if (verdicts.size > 1) fail(`members of ${present} differ`);
    for (const [node, others] of rings) {
      if (others.some((other) => present.includes(other))) rings.set(node, []);
    }
    for (const node of present) rings.set(node, present);
    const parts = new Set(
      NODES.filter((node) => rings.get(node)!.length > 0 && filters.get(node)!.state.quorate).map(
        (node) => String(rings.get(node)),
      ),
    );
    if (onePart && parts.size > 1) fail(`${[...parts].join(' and ')} are quorate`);
  }
}
