/** What a subscriber of the membership service knows, and whether the next news follows from it (AIS B.4 rules 1 to 4). */

export interface ViewNews {
  readonly viewNumber: bigint;
  readonly memberCount: number;
  readonly nodes: readonly {
    readonly node: { readonly nodeId: number; readonly initialView: bigint };
    readonly change: number;
  }[];
}

export interface Picture {
  /**
   * @param all whether the news has all members, or those that changed only.
   * @returns what does not fit; undefined when all is well.
   */
  follow(news: ViewNews, all: boolean): string | undefined;
}

const NO_CHANGE = 1;
const JOINED = 2;
const LEFT = 3;

export function createPicture(first: ViewNews): Picture {
  let { viewNumber } = first;
  const known = new Map(first.nodes.map(({ node }) => [node.nodeId, node.initialView]));

  const apply = ({ node, change }: ViewNews['nodes'][number]): string | undefined => {
    const { nodeId, initialView } = node;
    const before = known.get(nodeId);
    if (change === LEFT) {
      return known.delete(nodeId) ? undefined : `node ${nodeId} left and was not there`;
    }
    known.set(nodeId, initialView);
    if (change === JOINED) {
      return before === undefined ? undefined : `node ${nodeId} joined and was there`;
    }
    if (before === undefined) return `node ${nodeId} is there and has not joined`;
    const isOther = change === NO_CHANGE && before !== initialView;
    return isOther ? `node ${nodeId} has another initial view and no change` : undefined;
  };

  return {
    follow(news, all) {
      const faults: string[] = [];
      if (news.viewNumber <= viewNumber) faults.push(`view ${news.viewNumber} after ${viewNumber}`);
      viewNumber = news.viewNumber;
      for (const change of news.nodes) faults.push(apply(change) ?? '');
      if (known.size !== news.memberCount) {
        faults.push(`${known.size} members known, ${news.memberCount} said`);
      }
      const listed = new Set(news.nodes.map(({ node }) => node.nodeId));
      if (all && [...known.keys()].some((nodeId) => !listed.has(nodeId))) {
        faults.push('not all members are listed');
      }
      const text = faults.filter((fault) => fault !== '').join('; ');
      return text === '' ? undefined : text;
    },
  };
}
