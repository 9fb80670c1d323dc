/** A YAML text with the place of everything in it, so that every complaint has a line and a column. */
import {
  Composer,
  type CST,
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  Parser,
  YAMLParseError,
} from 'yaml';
import { CONFIG_PROBLEMS_MAX } from '../limits.ts';

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
  const { document, end } = withoutStacks(() => readDocument(text, lines));
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
  if (end < text.length) {
    const rest = 'so much is wrong before this that the rest was not read';
    problems.splice(CONFIG_PROBLEMS_MAX - 1, problems.length, { position: at(end), text: rest });
  }
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

/** Where in the library a mistake was found is nobody's concern, and takes three quarters of the time of a bad text. */
function withoutStacks<T>(parse: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * The one document of a text, and where the text is given up: behind its {@link CONFIG_PROBLEMS_MAX}th token that fits
 * nowhere, nobody reads more. The library would make an error of each, a thousand in 2 KiB of closing braces.
 */
function readDocument(text: string, lines: LineCounter): { document: Document; end: number } {
  let end = text.length;
  function* tokens(): Generator<CST.Token> {
    let misfits = 0;
    for (const token of new Parser(lines.addNewLine).parse(text)) {
      yield token;
      if (token.type !== 'error' || ++misfits < CONFIG_PROBLEMS_MAX) continue;
      end = token.offset + token.source.length;
      return;
    }
  }
  // Warnings would go to standard error from inside the library, without the file's name.
  const composer = new Composer({ prettyErrors: false, logLevel: 'error' });
  const documents = composer.compose(tokens(), true, text.length);
  // Composing is forced: there is one, be the text empty.
  const document = documents.next().value as Document.Parsed;
  for (const { range } of documents) {
    const several = 'a second document begins here: a configuration is one';
    document.errors.push(new YAMLParseError([range[0], range[1]], 'MULTIPLE_DOCS', several));
    break;
  }
  return { document, end };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

/** Takes a complaint about the value at `path`. */
export type Complain = (path: Path, text: string) => void;
