/** A YAML text with the place of everything in it, so that every complaint has a line and a column. */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';

export type Path = readonly PropertyKey[];

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ConfigSource {
  /** The plain value; `problems` says what is wrong with the YAML itself. */
  readonly value: unknown;
  readonly problems: readonly { readonly position: Position; readonly text: string }[];
  /** Where the value at `path` is, else the nearest parent. */
  positionOf(path: Path): Position;
  /** Where the key that ends `path` is. */
  positionOfKey(path: Path): Position;
}

export function parseSource(text: string): ConfigSource {
  const lines = new LineCounter();
  // Warnings would go to standard error from inside the library, without the file's name.
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'error' } as const;
  const document = withoutStacks(() => parseDocument(text, options));
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const positionOf = (path: Path): Position => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return at(node.range[0]);
    }
    return { line: 1, column: 1 };
  };
  const problems = document.errors.map((error) => ({
    position: at(error.pos[0]),
    text: firstLine(error.message),
  }));
  let value: unknown;
  if (problems.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      problems.push({ position: at(0), text: firstLine((error as Error).message) });
    }
  }
  return {
    value,
    problems,
    positionOf,
    positionOfKey(path) {
      const parent = document.getIn(path.slice(0, -1), true);
      const key = String(path.at(-1));
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      const range = isScalar(pair?.key) ? pair.key.range : undefined;
      return range ? at(range[0]) : positionOf(path);
    },
  };
}

/** The library makes an error for each thing that is wrong; nobody asks where in the library that was, and it takes most of the time. */
function withoutStacks<T>(parse: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

/** Takes a complaint about the value at `path`. */
export type Complain = (path: Path, text: string) => void;
