/** One process group of a laboratory: a member behind each node, on libcpg or on our client by the kind of its daemon. */
import { AisexecNode, type Lab } from './netns.ts';
import { CPeer, compilePeer, NodePeer, sameDeliveries, sameMembers } from './peers.ts';

/** Of our client, which is told what pid to show. */
export const OUR_PID = 77;

export class PeerGroup {
  readonly #lab: Lab;
  readonly #program: string;
  readonly #isListed: boolean;
  readonly #peers = new Map<number, CPeer | NodePeer>();

  /** @param isListed every member keeps a list of what it delivers, see `segments`. */
  constructor(lab: Lab, isListed = false) {
    this.#lab = lab;
    this.#isListed = isListed;
    this.#program = compilePeer(lab);
  }

  get all(): readonly (CPeer | NodePeer)[] {
    return [...this.#peers.values()];
  }

  /** By the node that they are behind. */
  get entries(): readonly (readonly [number, CPeer | NodePeer])[] {
    return [...this.#peers];
  }

  /** As they see each other: `node.pid`. */
  get names(): readonly string[] {
    return this.entries.map(([id, { pid }]) => `${id}.${pid}`);
  }

  at(id: number): CPeer | NodePeer | undefined {
    return this.#peers.get(id);
  }

  c(id: number): CPeer {
    const peer = this.#peers.get(id);
    if (peer instanceof CPeer) return peer;
    throw new Error(`there is no C program behind node ${id}`);
  }

  node(id: number): NodePeer {
    const peer = this.#peers.get(id);
    if (peer instanceof NodePeer) return peer;
    throw new Error(`there is no client of ours behind node ${id}`);
  }

  /** A member behind each of these nodes that has none; resolves when all see each other and nobody else. */
  async join(ids: readonly number[]): Promise<void> {
    for (const id of ids) if (!this.#peers.has(id)) this.#peers.set(id, await this.#start(id));
    await this.agree();
  }

  /** Resolves when all see each other and nobody else. */
  async agree(): Promise<void> {
    await sameMembers(this.all, this.names);
  }

  /** Everybody sends as many, of `min` to `max` bytes; resolves when all have delivered the same. */
  async exchange(count: number, min: number, max: number): Promise<void> {
    for (const [id, peer] of this.#peers) await peer.send(count, min, max, id);
    await this.same(count * this.#peers.size);
  }

  /** Resolves when all have delivered the same, `count` messages at least; rejects when they differ. */
  async same(count: number, timeoutMs?: number): Promise<void> {
    await sameDeliveries(this.all, count, timeoutMs);
  }

  /** Ends it. */
  async leave(id: number): Promise<void> {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    await peer?.end();
  }

  async close(): Promise<void> {
    for (const id of [...this.#peers.keys()]) await this.leave(id);
  }

  async #start(id: number): Promise<CPeer | NodePeer> {
    const node = this.#lab.node(id);
    if (node instanceof AisexecNode) return await NodePeer.join(node, 'orders', OUR_PID);
    const peer = new CPeer(this.#lab.corosync(id), this.#program, 'orders');
    if (this.#isListed) peer.tell('list');
    return peer;
  }
}
