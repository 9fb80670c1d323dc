import type { LocalNode } from './local-node.ts';

/** A node's place, e.g. on a Corosync in a network namespace. */
export interface Place {
  /** Words before the daemon's command, like `ip netns exec NAME`. */
  readonly command: readonly string[];
  /** Takes the place of the sections `totem`, `nodelist` and `quorum` of its configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Resolves when the place is up: before the daemon starts. */
  ready?(): Promise<void>;
  /** What else of the machine shares the node's fate, when it is killed, paused or resumed. */
  signal?(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

/** Keys of the section `totem` (docs/reference/config.md). */
export type TotemKeys = Readonly<Record<string, number | string | boolean>>;

/** What kind of cluster to start. */
export interface LocalClusterOptions {
  /** Number of executives, 1 to 16. */
  readonly nodes: number;
  /** Quorum provider, or the section `quorum`; default `votequorum` with a vote each. */
  readonly quorum?: 'votequorum' | 'ykd' | 'none' | Readonly<Record<string, unknown>>;
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
  /** Seconds between two comparisons of the replicas; default: never. */
  readonly stateCheckS?: number;
  /** Where a node runs that does not simply run here; by default its daemon is started as it is. */
  readonly place?: (id: number) => Place;
  /** Called for every log line of a node (one JSON document). */
  readonly onLog?: (node: LocalNode, line: string) => void;
}
