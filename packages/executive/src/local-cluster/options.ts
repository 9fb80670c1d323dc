import type { LocalNode } from './local-node.ts';

/** Keys of the section `totem` (docs/reference/config.md). */
export type TotemKeys = Readonly<Record<string, number | string | boolean>>;

/** What kind of cluster to start. */
export interface LocalClusterOptions {
  /** Number of executives, 1 to 16. */
  readonly nodes: number;
  /** Quorum provider; default `votequorum` with a vote each. */
  readonly quorum?: 'votequorum' | 'none';
  /** The list `services` of the configuration; modules are looked for in the node's directory and above. */
  readonly services?: readonly unknown[];
  /** The section `watchdog`. */
  readonly watchdog?: { readonly warn?: number; readonly kill?: number };
  /** Order in which locks are granted; default `standard`. */
  readonly fairness?: 'standard' | 'fifo';
  /** Further keys of the section `ipc`, e.g. `{ access: [...] }`. */
  readonly ipc?: Readonly<Record<string, unknown>>;
  /** Further keys of the `totem` section, e.g. `{ token: 1000 }`; or what each node's section has, by its id. */
  readonly totem?: TotemKeys | ((id: number) => TotemKeys);
  /** Called for every log line of a node (one JSON document). */
  readonly onLog?: (node: LocalNode, line: string) => void;
}
