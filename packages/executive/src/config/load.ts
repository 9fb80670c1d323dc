/** Reads, checks and resolves a configuration. Everything wrong comes back as texts, nothing is thrown. */
import { readFileSync, statSync } from 'node:fs';
import { CONFIG_BYTES_MAX, CONFIG_PROBLEMS_MAX } from '../limits.ts';
import type { ExecutiveConfig } from './config.ts';
import { isCorosyncConf, parseCorosyncSource } from './corosync.ts';
import { keyText, problemText, schemaProblems } from './problems.ts';
import { type Host, resolveConfig, thisHost } from './resolve.ts';
import { configSchema } from './schema.ts';
import { type Path, parseSource } from './source.ts';

export type LoadedConfig =
  | {
      readonly config: ExecutiveConfig;
      readonly problems?: undefined;
      /** A complaint about a value of this file, as the others are: `file:line:col: key: text`. */
      readonly complaint: (path: Path, text: string) => string;
    }
  | {
      readonly config?: undefined;
      readonly problems: readonly string[];
      readonly complaint?: undefined;
    };

/** @param path the file; undefined for the defaults: one node on loopback. */
export function loadConfig(path: string | undefined, host: Host = thisHost()): LoadedConfig {
  if (path === undefined) return parseConfig('', 'defaults', host);
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > CONFIG_BYTES_MAX) {
      return {
        problems: [`${path}: ${size} bytes, at most ${CONFIG_BYTES_MAX}: not a configuration`],
      };
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : message;
    return { problems: [`${path}: cannot read the configuration: ${why}`] };
  }
  return parseConfig(text, path, host);
}

/** @param file the name used in the texts. */
export function parseConfig(text: string, file: string, host: Host = thisHost()): LoadedConfig {
  const source = isCorosyncConf(file) ? parseCorosyncSource(text) : parseSource(text);
  if (source.problems.length > 0) {
    return failed(source.problems.map((problem) => problemText(file, { ...problem, key: '' })));
  }
  // An empty file, or one of comments only, is the default configuration.
  const checked = configSchema.safeParse(source.value ?? {}, { reportInput: true });
  if (!checked.success) {
    const problems = [...schemaProblems(source, checked.error.issues)].sort(
      (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
    );
    return failed(problems.map((problem) => problemText(file, problem)));
  }
  const resolved = resolveConfig(checked.data, host);
  const complaint = (path: Path, text: string) =>
    problemText(file, { position: source.positionOf(path), key: keyText(path), text });
  if (resolved.config !== undefined) return { config: resolved.config, complaint };
  return failed(resolved.problems.map(({ path, text }) => complaint(path, text)));
}

function failed(problems: readonly string[]): LoadedConfig {
  const more = problems.length - CONFIG_PROBLEMS_MAX;
  const shown = problems.slice(0, CONFIG_PROBLEMS_MAX);
  return { problems: more > 0 ? [...shown, `… and ${more} more`] : shown };
}
