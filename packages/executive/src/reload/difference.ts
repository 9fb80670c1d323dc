/**
 * What differs between the configuration in force and the one in the file, key by key, and which of those keys can
 * change while the executive runs. Keys are those of `ExecutiveConfig`, as `aisctl reload` prints them.
 */
import type { ExecutiveConfig } from '../config/config.ts';
import { RELOAD_LINE_CHARS_MAX, RELOAD_LINES_MAX } from '../limits.ts';

export interface Difference {
  readonly key: string;
  /** JSON; undefined: the key is not there. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly reloadable: boolean;
}

/** A key, and everything below it, that is taken over while the executive runs. */
const RELOADABLE = [
  'log.level',
  'ipc.allowUids',
  'ipc.allowGids',
  'ipc.access',
  'ipc.mode',
  'metrics',
] as const;
/** What such a key is called in the file. */
const IN_FILE: Readonly<Record<string, string>> = {
  'ipc.allowUids': 'ipc.allow.uid',
  'ipc.allowGids': 'ipc.allow.gid',
  clusterName: 'cluster.name',
  nodes: 'nodelist',
  stateDir: 'state_dir',
  stateCheckS: 'state_check',
  plugins: 'services',
  citizen: 'services',
  'totem.tokenMs': 'totem.token',
  'totem.payloadBytesMax': 'totem.netmtu',
  'totem.seal': 'totem.key_file',
};
/** Their values are a stranger's own section, which may hold what is nobody's business. */
const HIDDEN = ['plugins'];

export function differences(now: ExecutiveConfig, next: ExecutiveConfig): readonly Difference[] {
  const before = flat(now);
  const after = flat(next);
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys.flatMap((key) => {
    const [from, to] = [before.get(key), after.get(key)];
    if (from === to) return [];
    const isHidden = HIDDEN.some((prefix) => isBelow(key, prefix));
    const shown = (text: string | undefined) =>
      isHidden && text !== undefined ? '(not shown)' : text;
    const reloadable = RELOADABLE.some((prefix) => isBelow(key, prefix));
    return [{ key: IN_FILE[key] ?? key, from: shown(from), to: shown(to), reloadable }];
  });
}

/** `log.level: "info" -> "debug"`. */
export function differenceText({ key, from = 'none', to = 'none' }: Difference): string {
  return bounded(`${key}: ${from} -> ${to}`);
}

/** Why a reload is refused; nothing: it is not. */
export function refusals(found: readonly Difference[]): readonly string[] {
  return found
    .filter(({ reloadable }) => !reloadable)
    .slice(0, RELOAD_LINES_MAX)
    .map((difference) =>
      bounded(`${differenceText(difference)}: cannot change while it runs; restart this node`),
    );
}

export function bounded(text: string): string {
  return text.length <= RELOAD_LINE_CHARS_MAX ? text : `${text.slice(0, RELOAD_LINE_CHARS_MAX)}…`;
}

function isBelow(key: string, prefix: string): boolean {
  return key === prefix || key.startsWith(`${prefix}.`);
}

/** Leaves by their path; lists are leaves. */
function flat(config: ExecutiveConfig): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) {
        walk(inner, path === '' ? key : `${path}.${key}`);
      }
    } else if (value !== undefined) leaves.set(path, JSON.stringify(value));
  };
  walk(config, '');
  return leaves;
}
