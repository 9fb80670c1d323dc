/**
 * Virtual synchrony of a mixed group: processes that go from one ring to the same next one have delivered the same
 * messages in the same order in between.
 *
 * Corosync itself breaks it in one place (totem-wire §2, ADR 0212): a daemon that comes into a ring with a message
 * half sent goes on with its fragments. Who came with it has the beginning and delivers; who did not drops everything
 * up to the first packet that ends whole. So what such a daemon sent may be missing, from the beginning on, where the
 * process came from another ring than its sender. Our executives start anew in every ring: for them nothing is excused.
 */

/** What a process delivered between two rings, in order; `from` is undefined where it joined in the middle. */
export interface Segment {
  readonly from: string | undefined;
  readonly to: string;
  readonly messages: readonly Listed[];
}

export interface Listed {
  /** The sender. */
  readonly node: number;
  readonly digest: string;
}

/** One process, from its first ring to its last. */
export interface History {
  readonly node: number;
  readonly segments: readonly Segment[];
}

export interface SynchronyReport {
  /** Processes that went together from one ring to the next, compared. */
  readonly pairs: number;
  /** Messages that Corosync's own gap excused. */
  readonly excused: number;
}

/** @param corosyncs the nodes that are Corosync's. @throws Error naming a pair that differs. */
export function checkSynchrony(
  histories: readonly History[],
  corosyncs: readonly number[],
): SynchronyReport {
  let pairs = 0;
  let excused = 0;
  histories.forEach((a, i) => {
    for (const b of histories.slice(i + 1)) {
      for (const mine of a.segments) {
        const theirs = b.segments.find(({ from, to }) => from === mine.from && to === mine.to);
        if (mine.from === undefined || theirs === undefined) continue;
        pairs++;
        const gaps = corosyncs.filter((sender) => {
          return isGap(histories, sender, mine.from!, a, b);
        });
        excused += compare(a, mine, b, theirs, gaps);
      }
    }
  });
  return { pairs, excused };
}

/** Whether one of the two came into this ring with the sender, and the other did not. */
function isGap(
  histories: readonly History[],
  sender: number,
  ring: string,
  a: History,
  b: History,
): boolean {
  const own = histories.filter(({ node }) => node === sender);
  const before = own.map((history) => ringBefore(history, ring)).find((one) => one !== undefined);
  const isWith = (one: History) => one.node === sender || ringBefore(one, ring) === before;
  return before !== undefined && isWith(a) !== isWith(b);
}

function ringBefore({ segments }: History, ring: string): string | undefined {
  return segments.find(({ to }) => to === ring)?.from;
}

function compare(
  a: History,
  mine: Segment,
  b: History,
  theirs: Segment,
  gaps: readonly number[],
): number {
  let excused = 0;
  const senders = new Set([...mine.messages, ...theirs.messages].map(({ node }) => node));
  for (const sender of gaps) {
    if (!senders.has(sender)) continue;
    const [less, more] = [mine, theirs]
      .map(({ messages }) => messages.filter(({ node }) => node === sender).map(text))
      .sort((one, other) => one.length - other.length) as [string[], string[]];
    const isEnd = more.slice(more.length - less.length).join() === less.join();
    if (!isEnd) throw differ(a, mine, b, theirs, `of node ${sender} more than the beginning`);
    excused += more.length - less.length;
  }
  const strict = ({ messages }: Segment) =>
    messages.filter(({ node }) => !gaps.includes(node)).map(text);
  if (strict(mine).join() !== strict(theirs).join()) throw differ(a, mine, b, theirs, 'messages');
  return excused;
}

function text({ node, digest }: Listed): string {
  return `${node} ${digest}`;
}

function differ(a: History, mine: Segment, b: History, theirs: Segment, what: string): Error {
  const counts = ({ node }: History, { messages }: Segment) => {
    const senders = [...new Set(messages.map((message) => message.node))].sort();
    const each = senders.map(
      (sender) => `${messages.filter((message) => message.node === sender).length} of ${sender}`,
    );
    return `node ${node} delivered ${messages.length} (${each.join(', ')})`;
  };
  const sides = `${counts(a, mine)}, ${counts(b, theirs)}`;
  return new Error(`ring ${mine.from} to ${mine.to}: ${what} differ: ${sides}`);
}
