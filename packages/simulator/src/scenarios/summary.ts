/**
 * What a played scenario looks like on paper: each step, and under it what came of it, alike events of several
 * nodes on one line with the time from the first to the last. Short enough to be read in a review.
 */
import { ringIdText } from '@aisexec/totem';
import type { TraceRecord, TraceSink } from '../trace/record.ts';

/** Lines of the protocol about itself that tell a story; drops and the like are left out. */
const TOLD: ReadonlySet<string> = new Set([
  'token-loss',
  'failed-to-receive',
  'pause-noticed',
  'suspicion',
  'start-refused',
]);
const TIME_WIDTH = 13;
const NODES_WIDTH = 14;

interface Line {
  first: number;
  last: number;
  readonly nodes: number[];
  readonly text: string;
}

export interface Summary {
  readonly record: TraceSink;
  step(text: string): void;
  text(): string;
}

export function createSummary(): Summary {
  const out: string[] = [];
  let lines = new Map<string, Line>();
  let delivered = new Map<number, number>();

  const flush = (): void => {
    for (const line of lines.values()) out.push(lineText(line));
    const byCount = new Map<number, number[]>();
    for (const [node, count] of delivered)
      byCount.set(count, [...(byCount.get(count) ?? []), node]);
    for (const [count, nodes] of byCount) {
      out.push(`${' '.repeat(TIME_WIDTH)} ${nodesText(nodes)} delivered ${count}`);
    }
    lines = new Map();
    delivered = new Map();
  };

  return {
    record(record) {
      if (record.kind === 'deliver') {
        delivered.set(record.node, (delivered.get(record.node) ?? 0) + 1);
        return;
      }
      const text = told(record);
      if (text === undefined) return;
      const known = lines.get(text);
      if (known === undefined) {
        const { time } = record;
        lines.set(text, { first: time, last: time, nodes: [record.node], text });
      } else {
        known.last = record.time;
        if (!known.nodes.includes(record.node)) known.nodes.push(record.node);
      }
    },
    step(text) {
      flush();
      out.push(`> ${text}`);
    },
    text() {
      flush();
      return `${out.join('\n')}\n`;
    },
  };
}

function told(record: TraceRecord): string | undefined {
  switch (record.kind) {
    case 'fail':
      return `is gone: ${record.reason}`;
    case 'configuration': {
      const { type, ringId, members, left } = record.configuration;
      // Rings of one differ in their representative alone: together on one line.
      if (members.length === 1 && ringId.rep === record.node && left.length === 0) {
        return `${type} *.${ringId.seq} of itself`;
      }
      const change = left.length > 0 ? ` without ${rangeText(left)}` : '';
      return `${type} ${ringIdText(ringId)} of ${rangeText(members)}${change}`;
    }
    case 'note':
      return TOLD.has(record.event) ? record.event : undefined;
    case 'wrong':
      return `wrong: ${record.property} ${record.text}`;
    default:
      return undefined;
  }
}

function lineText({ first, last, nodes, text }: Line): string {
  const from = first.toFixed(0);
  const to = last.toFixed(0);
  const time = from === to ? from : `${from}..${to}`;
  return `${time.padStart(TIME_WIDTH)} ${nodesText(nodes)} ${text}`;
}

const nodesText = (nodes: readonly number[]): string =>
  rangeText([...nodes].sort((x, y) => x - y)).padEnd(NODES_WIDTH);

/** `1-3,5`: runs of neighbours in short. */
function rangeText(nodes: readonly number[]): string {
  const parts: string[] = [];
  let start = 0;
  nodes.forEach((node, index) => {
    if (nodes[index + 1] === node + 1) return;
    const first = nodes[start]!;
    parts.push(first === node ? `${node}` : `${first}-${node}`);
    start = index + 1;
  });
  return parts.join(',');
}
