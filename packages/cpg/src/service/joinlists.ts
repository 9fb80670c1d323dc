/**
 * CPG's step of the synchronisation (totem-wire §4.3): every node lists its processes; whoever was a member
 * and is on a node that did not come along is down, who is listed is up, who is listed by nobody is a zombie.
 */
import type { SyncStart } from '@aisexec/service';
import { type CpgChange, type CpgProcess, CpgReason } from '../protocol.ts';
import type { Groups } from './groups.ts';
import type { JoinlistEntry } from './wire.ts';

/** What became of one group. */
export interface GroupChange {
  readonly left: CpgChange[];
  readonly joined: CpgChange[];
}

export class Joinlists {
  readonly #groups: Groups;
  /** Nodes of the last synchronised ring. */
  #before: readonly number[] = [];
  #start: SyncStart | undefined;
  readonly #lists = new Map<number, JoinlistEntry[]>();

  constructor(groups: Groups) {
    this.#groups = groups;
  }

  begin(start: SyncStart): void {
    this.#start = start;
    this.#lists.clear();
  }

  abort(): void {
    this.#start = undefined;
    this.#lists.clear();
  }

  /** @returns whether it was awaited. */
  receive(node: number, entries: readonly JoinlistEntry[]): boolean {
    if (this.#start === undefined || this.#lists.has(node)) return false;
    this.#lists.set(node, [...entries]);
    return true;
  }

  /** A process joined or left behind its node's list: without this it would be a zombie, or a ghost. */
  amend(group: string, { nodeId, pid }: CpgProcess, isMember: boolean): void {
    const list = this.#lists.get(nodeId);
    if (list === undefined) return;
    const others = list.filter((entry) => entry.group !== group || entry.pid !== pid);
    this.#lists.set(nodeId, isMember ? [...others, { group, pid }] : others);
  }

  /** All lists are here. @returns the groups that have changed, each with those who left and joined. */
  apply(): ReadonlyMap<string, GroupChange> {
    const { members = [], transitional = [] } = this.#start ?? {};
    const changes = new Map<string, GroupChange>();
    const changeOf = (group: string): GroupChange => {
      const known = changes.get(group) ?? { left: [], joined: [] };
      changes.set(group, known);
      return known;
    };
    const down = new Set(this.#before.filter((node) => !transitional.includes(node)));
    for (const { group, nodeId, pid } of this.#groups.all()) {
      const isListed = this.#lists
        .get(nodeId)
        ?.some((entry) => entry.group === group && entry.pid === pid);
      if (!down.has(nodeId) && isListed) continue;
      const reason = down.has(nodeId) ? CpgReason.nodeDown : CpgReason.processDown;
      this.#groups.remove(group, { nodeId, pid });
      changeOf(group).left.push({ nodeId, pid, reason });
    }
    for (const nodeId of [...this.#lists.keys()].sort((a, b) => a - b)) {
      for (const { group, pid } of this.#lists.get(nodeId)!) {
        if (!this.#groups.add(group, { nodeId, pid })) continue;
        changeOf(group).joined.push({ nodeId, pid, reason: CpgReason.nodeUp });
      }
    }
    this.#before = members;
    this.abort();
    return changes;
  }
}
