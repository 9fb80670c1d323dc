/**
 * The language of `*.scenario.txt`: a head of settings, then steps, one a line; `#` begins a comment. Every line
 * that does not fit is refused with its number and what was expected.
 */
import { SCENARIO_LINES_MAX, SIM_NODES_MAX } from '../limits.ts';
import { PACKET_TYPE } from '../processes/packet-peek.ts';

export type Condition =
  | { readonly kind: 'ring'; readonly nodes: readonly number[] }
  | { readonly kind: 'state'; readonly state: string; readonly nodes: readonly number[] }
  | { readonly kind: 'delivered'; readonly count: number; readonly nodes: readonly number[] }
  | { readonly kind: 'refused'; readonly nodes: readonly number[] };

/** `from` and `to`: only on links from or to this node. */
export interface PacketRule {
  readonly type: number;
  readonly count: number;
  readonly from?: number;
  readonly to?: number;
}

export type Action =
  | {
      readonly kind:
        | 'start'
        | 'crash'
        | 'pause'
        | 'resume'
        | 'leave'
        | 'lose-store'
        | 'repair-store';
      readonly nodes: readonly number[];
    }
  | { readonly kind: 'crash-in-store'; readonly node: number; readonly how: 'lost' | 'kept' }
  | { readonly kind: 'send'; readonly node: number; readonly count: number; readonly safe: boolean }
  | { readonly kind: 'cut'; readonly left: readonly number[]; readonly right: readonly number[] }
  | { readonly kind: 'mute'; readonly from: number; readonly to: number }
  | { readonly kind: 'hint'; readonly node: number; readonly suspect: number }
  | { readonly kind: 'forge'; readonly to: number; readonly names: number }
  | { readonly kind: 'lose' | 'copy' | 'hold'; readonly rule: PacketRule }
  | { readonly kind: 'replay' }
  | { readonly kind: 'release' }
  | { readonly kind: 'pass' }
  | { readonly kind: 'mend' }
  | { readonly kind: 'heal' }
  | { readonly kind: 'run' | 'calm'; readonly ms: number }
  | { readonly kind: 'expect'; readonly condition: Condition; readonly withinMs: number };

export interface Step {
  readonly line: number;
  readonly text: string;
  readonly action: Action;
}

export interface Script {
  readonly nodes: readonly number[];
  readonly seed: number;
  readonly tokenMs: number;
  readonly delayMs: number;
  readonly firstSeq: number;
  readonly failRecv: number;
  /** Messages per second and node in the background. */
  readonly load: number;
  readonly steps: readonly Step[];
}

/** What is wrong with a scenario file: `line 7: …`. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const N = '(\\d+)';
const NODES = '(\\d+(?:-\\d+)?(?: \\d+(?:-\\d+)?)*)';
const RULE =
  '(?:(\\d+) )?(token|multicast|merge|join|commit|cancel)(?: from (\\d+))?(?: to (\\d+))?';

type Build = (groups: readonly (string | undefined)[]) => Action;
/** First word, the whole line, how it is written, what it means. */
const STEPS: readonly (readonly [word: string, pattern: string, usage: string, build: Build])[] = [
  ...(['start', 'crash', 'pause', 'resume', 'leave', 'lose-store', 'repair-store'] as const).map(
    (kind) => {
      const build: Build = ([nodes]) => ({ kind, nodes: numbers(nodes) });
      return [kind, NODES, `${kind} NODE…`, build] as const;
    },
  ),
  [
    'crash-in-store',
    `${N} (lost|kept)`,
    'crash-in-store NODE lost|kept',
    ([node, how]) => ({
      kind: 'crash-in-store',
      node: Number(node),
      how: how === 'lost' ? 'lost' : 'kept',
    }),
  ],
  [
    'send',
    `${N} ${N}( safe)?`,
    'send NODE COUNT [safe]',
    ([node, count, safe]) => ({
      kind: 'send',
      node: Number(node),
      count: Number(count),
      safe: safe !== undefined,
    }),
  ],
  [
    'cut',
    `${NODES} \\| ${NODES}`,
    'cut NODE… | NODE…',
    ([left, right]) => ({ kind: 'cut', left: numbers(left), right: numbers(right) }),
  ],
  [
    'mute',
    `${N} to ${N}`,
    'mute NODE to NODE',
    ([from, to]) => ({ kind: 'mute', from: Number(from), to: Number(to) }),
  ],
  [
    'hint',
    `${N} that ${N} is dead`,
    'hint NODE that NODE is dead',
    ([node, suspect]) => ({ kind: 'hint', node: Number(node), suspect: Number(suspect) }),
  ],
  [
    'forge',
    `join to ${N} naming ${N}`,
    'forge join to NODE naming COUNT',
    ([to, names]) => ({ kind: 'forge', to: Number(to), names: Number(names) }),
  ],
  ...(['lose', 'copy', 'hold'] as const).map((kind) => {
    const build: Build = (groups) => ({ kind, rule: ruleOf(groups) });
    return [kind, RULE, `${kind} [COUNT] PACKET [from NODE] [to NODE]`, build] as const;
  }),
  ...(['replay', 'release', 'pass', 'mend', 'heal'] as const).map((kind) => {
    const build: Build = () => ({ kind });
    return [kind, '', kind, build] as const;
  }),
  ...(['run', 'calm'] as const).map((kind) => {
    const build: Build = ([ms]) => ({ kind, ms: Number(ms) });
    return [kind, N, `${kind} MS`, build] as const;
  }),
  [
    'expect',
    `(?:(ring) ${NODES}|(state) ([a-z]+) of ${NODES}|(delivered) ${N} by ${NODES}|(refused) ${NODES})(?: within ${N})?`,
    'expect ring NODE… | state STATE of NODE… | delivered COUNT by NODE… | refused NODE… [within MS]',
    (groups) => ({
      kind: 'expect',
      condition: conditionOf(groups),
      withinMs: Number(groups[10] ?? 0),
    }),
  ],
];

const HEAD = {
  nodes: { min: 1, max: SIM_NODES_MAX, fallback: 3 },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 1 },
  token: { min: 20, max: 60_000, fallback: 300 },
  delay: { min: 0, max: 1000, fallback: 1 },
  'first-seq': { min: 0, max: 0xffff_ffff, fallback: 0 },
  'fail-recv': { min: 1, max: 100_000, fallback: 2500 },
  load: { min: 0, max: 1000, fallback: 0 },
} as const;
type HeadKey = keyof typeof HEAD;

/** @throws ScenarioError for the first line that does not fit. */
export function parseScenario(text: string): Script {
  const lines = text.split('\n');
  if (lines.length > SCENARIO_LINES_MAX) {
    throw new ScenarioError(`${lines.length} lines, at most ${SCENARIO_LINES_MAX}`);
  }
  const head = new Map<HeadKey, number>();
  const steps: Step[] = [];
  lines.forEach((raw, index) => {
    const words = raw.replace(/#.*/, '').trim().replace(/\s+/g, ' ');
    if (words === '') return;
    const line = index + 1;
    if (words.split(' ', 1)[0]! in HEAD && steps.length === 0) readHead(head, words, line);
    else steps.push({ line, text: words, action: readStep(words, line) });
  });
  const value = (key: HeadKey): number => head.get(key) ?? HEAD[key].fallback;
  const nodes = Array.from({ length: value('nodes') }, (_, i) => i + 1);
  for (const step of steps) checkNodes(step, nodes.length);
  if (steps.length === 0) throw new ScenarioError(`line ${lines.length}: no step`);
  return {
    nodes,
    seed: value('seed'),
    tokenMs: value('token'),
    delayMs: value('delay'),
    firstSeq: value('first-seq'),
    failRecv: value('fail-recv'),
    load: value('load'),
    steps,
  };
}

function readHead(head: Map<HeadKey, number>, words: string, line: number): void {
  const [name, number, ...rest] = words.split(' ');
  const key = name as HeadKey;
  const { min, max } = HEAD[key];
  const value = /^\d+$/.test(number ?? '') && rest.length === 0 ? Number(number) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new ScenarioError(`line ${line}: expected "${key} NUMBER", ${min} to ${max}`);
  }
  if (head.has(key)) throw new ScenarioError(`line ${line}: ${key} is set twice`);
  head.set(key, value);
}

function readStep(words: string, line: number): Action {
  const [word] = words.split(' ', 1);
  const step = STEPS.find(([name]) => name === word);
  if (step === undefined) {
    const known = STEPS.map(([name]) => name).join(', ');
    throw new ScenarioError(`line ${line}: no step is called "${word}"; there are ${known}`);
  }
  const [name, pattern, usage, build] = step;
  const match = new RegExp(`^${name}${pattern === '' ? '' : ` ${pattern}`}$`).exec(words);
  if (match === null) throw new ScenarioError(`line ${line}: expected "${usage}"`);
  return build(match.slice(1));
}

function checkNodes({ action, line }: Step, count: number): void {
  const named: number[] = [];
  const collect = (value: unknown, key: string): void => {
    if (
      key === 'count' ||
      key === 'ms' ||
      key === 'withinMs' ||
      key === 'names' ||
      key === 'type'
    ) {
      return;
    }
    if (typeof value === 'number') named.push(value);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) collect(inner, name);
    }
  };
  collect(action, '');
  const stranger = named.find((node) => node < 1 || node > count);
  if (stranger !== undefined) {
    throw new ScenarioError(`line ${line}: no such node or range; nodes are 1 to ${count}`);
  }
}

function ruleOf([count, name, from, to]: readonly (string | undefined)[]): PacketRule {
  return {
    type: PACKET_TYPE[name as keyof typeof PACKET_TYPE],
    count: count === undefined ? Number.POSITIVE_INFINITY : Number(count),
    ...(from === undefined ? {} : { from: Number(from) }),
    ...(to === undefined ? {} : { to: Number(to) }),
  };
}

function conditionOf(groups: readonly (string | undefined)[]): Condition {
  const [ring, ringNodes, state, name, stateNodes, delivered, count, deliveredNodes] = groups;
  if (ring !== undefined) return { kind: 'ring', nodes: numbers(ringNodes) };
  if (state !== undefined) return { kind: 'state', state: name!, nodes: numbers(stateNodes) };
  if (delivered !== undefined) {
    return { kind: 'delivered', count: Number(count), nodes: numbers(deliveredNodes) };
  }
  return { kind: 'refused', nodes: numbers(groups[9]) };
}

/** `1 3-5`; a range that no world could hold stays unexpanded and is refused with its end. */
function numbers(text: string | undefined): number[] {
  return (text ?? '').split(' ').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    const count = last - first + 1;
    if (count < 1 || count > SIM_NODES_MAX) return [0, last];
    return Array.from({ length: count }, (_, i) => first + i);
  });
}
