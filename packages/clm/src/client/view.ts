/** Views as the idiomatic layer shows them, and the difference between two of them. */
import { type ClusterNode, SA_CLM_NODE_LEFT, type ViewReport } from '../protocol.ts';

export interface Member {
  readonly nodeId: number;
  readonly name: string;
  readonly address: string;
  readonly family: 'inet' | 'inet6';
  readonly bootTime: Date;
  /** The view in which it became a member; a returning node has a new one. */
  readonly initialView: bigint;
}

export interface MembershipView {
  /** Rises with every change of membership. */
  readonly viewNumber: bigint;
  /** Ascending by nodeid. */
  readonly members: readonly Member[];
}

export interface ViewChange extends MembershipView {
  /** Not in the item before, or gone and back since. In the first item: all. */
  readonly joined: readonly Member[];
  /** In the item before and gone, or gone and back since. */
  readonly left: readonly Member[];
}

const NS_PER_MS = 1_000_000n;

export function toMember(node: ClusterNode): Member {
  const { nodeId, name, address, family, initialView } = node;
  const bootTime = new Date(Number(node.bootTime / NS_PER_MS));
  return { nodeId, name, address, family, bootTime, initialView };
}

/** The members of a report that has all of them (a current view, or mode `changes`). */
export function toView(report: ViewReport): MembershipView {
  const members = report.nodes
    .filter(({ change }) => change !== SA_CLM_NODE_LEFT)
    .map(({ node }) => toMember(node));
  return { viewNumber: report.viewNumber, members };
}

/** The nodes that a report says have left, also those that are back in the same report. */
export function leftIn(report: ViewReport): readonly number[] {
  return report.nodes
    .filter(({ change }) => change === SA_CLM_NODE_LEFT)
    .map(({ node }) => node.nodeId);
}

/** What one iterator has seen and what it has not: never more than one view waits. */
export class ViewCursor {
  #seen: MembershipView | undefined;
  #next: MembershipView | undefined;
  /** Who left since the view that was seen, whether back or not. */
  readonly #gone = new Set<number>();
  #wake: (() => void) | undefined;

  /** A newer view, in the place of one that was not taken yet. */
  offer(view: MembershipView, left: readonly number[]): void {
    const known = this.#next ?? this.#seen;
    if (known !== undefined && view.viewNumber <= known.viewNumber) return;
    for (const nodeId of left) this.#gone.add(nodeId);
    this.#next = view;
    this.wake();
  }

  take(): ViewChange | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    const before = this.#seen?.members ?? [];
    this.#seen = next;
    this.#next = undefined;
    const stays = (members: readonly Member[], { nodeId }: Member) =>
      !this.#gone.has(nodeId) && members.some((member) => member.nodeId === nodeId);
    const joined = next.members.filter((member) => !stays(before, member));
    const left = before.filter((member) => !stays(next.members, member));
    this.#gone.clear();
    return { ...next, joined, left };
  }

  /** Resolves at the next {@link wake}. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
