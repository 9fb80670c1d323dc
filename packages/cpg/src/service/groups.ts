/** Who is in which group, as all nodes of the ring see it: a node's processes change by ordered messages alone. */
import type { CpgProcess } from '../protocol.ts';

export interface GroupMember extends CpgProcess {
  readonly group: string;
}

export class Groups {
  readonly #groups = new Map<string, Map<string, GroupMember>>();

  has(group: string, who: CpgProcess): boolean {
    return this.#groups.get(group)?.has(keyOf(who)) === true;
  }

  /** Whether any process of this node is in the group: Corosync ignores messages of others. */
  hasNode(group: string, nodeId: number): boolean {
    for (const member of this.#groups.get(group)?.values() ?? []) {
      if (member.nodeId === nodeId) return true;
    }
    return false;
  }

  /** @returns false when it was a member already. */
  add(group: string, { nodeId, pid }: CpgProcess): boolean {
    if (this.has(group, { nodeId, pid })) return false;
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    members.set(keyOf({ nodeId, pid }), { group, nodeId, pid });
    return true;
  }

  /** @returns false when it was no member. */
  remove(group: string, who: CpgProcess): boolean {
    const members = this.#groups.get(group);
    if (members?.delete(keyOf(who)) !== true) return false;
    if (members.size === 0) this.#groups.delete(group);
    return true;
  }

  /** In the order in which they joined here. */
  members(group: string): readonly GroupMember[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  ofNode(nodeId: number): readonly GroupMember[] {
    return this.all().filter((member) => member.nodeId === nodeId);
  }

  all(): readonly GroupMember[] {
    return [...this.#groups.values()].flatMap((members) => [...members.values()]);
  }
}

function keyOf({ nodeId, pid }: CpgProcess): string {
  return `${nodeId}.${pid}`;
}
