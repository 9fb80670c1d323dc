/** The configuration as the executive uses it: every default filled in, this node found. */
import type { Role } from '@aisexec/service';
import type { LinkMode } from '@aisexec/totem';
import type { Timings } from './timings.ts';

export const SERVICE_NAMES = ['clm', 'lck', 'evt', 'ckpt', 'tmr'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** A service from outside of this package, by the module that exports it. */
export interface PluginConfig {
  /** A package's name, or a path relative to the configuration file. */
  readonly module: string;
  /** Its own section, unchecked: its schema comes with its code. */
  readonly config: unknown;
  /** Its place in the list `services`, for complaints. */
  readonly index: number;
}

/** When the watchdog names, and when it ends, a process whose thread a service does not give back. */
export interface WatchdogConfig {
  readonly warnMs: number;
  readonly killMs: number;
}

/** Where a node is on one network. */
export interface LinkAddress {
  readonly address: string;
  readonly family: 'inet' | 'inet6';
  readonly port: number;
}

/** The address is that of link 0. */
export interface NodeConfig extends LinkAddress {
  readonly id: number;
  readonly name: string;
  /** Two to eight networks, the best first, when there are several. */
  readonly links?: readonly LinkAddress[];
}

/** All networks of a node, one at least. */
export function linksOf(node: NodeConfig): readonly LinkAddress[] {
  return node.links ?? [node];
}

export const SEAL_CIPHERS = ['aes-256-gcm', 'chacha20-poly1305'] as const;
export type SealCipher = (typeof SEAL_CIPHERS)[number];

/** How datagrams are sealed (docs/security.md). */
export interface SealConfig {
  readonly keyFile: string;
  readonly cipher: SealCipher;
}

/** How packets travel (totem-wire §1.9). */
export type TransportConfig =
  | { readonly type: 'udpu' }
  | { readonly type: 'udp'; readonly group: string; readonly ttl: number };

export interface TotemConfig extends Timings {
  readonly transport: TransportConfig;
  /** How a peer's links are used when it has several. */
  readonly linkMode: LinkMode;
  readonly sendJoinMs: number;
  readonly failRecvConst: number;
  readonly seqnoUnchangedConst: number;
  readonly missCountConst: number;
  readonly windowSize: number;
  readonly maxMessages: number;
  readonly acceleratedWindow: number;
  readonly payloadBytesMax: number;
  /** How datagrams leave and come: batches of system calls where koffi has them, or node:dgram alone. */
  readonly io: 'auto' | 'plain';
  /** undefined: in the clear, byte for byte as Corosync. */
  readonly seal: SealConfig | undefined;
}

export interface QuorumConfig {
  /** `corosync`: what the quorum service of the Corosync below says; only with the engine `corosync`. */
  readonly provider: 'votequorum' | 'ykd' | 'corosync' | 'none';
  /** A filter of one's own in the place of a provider. */
  readonly module?: string;
  readonly config?: unknown;
  readonly expectedVotes: number;
  readonly twoNode: boolean;
  readonly waitForAll: boolean;
  /** Which half goes on after an even split. */
  readonly autoTieBreaker?: 'lowest' | 'highest' | readonly number[];
  /** The window of last_man_standing; absent: it is off. */
  readonly lastManStandingMs?: number;
  readonly allowDownscale: boolean;
  /** By nodeid. */
  readonly votes: Readonly<Record<number, number>>;
}

/** A role for those who are one of `uids` or have one of `gids` as their primary group. */
export interface AccessGrant {
  /** Names of services, `admin`, or `*` for every service but that. */
  readonly services: readonly string[];
  readonly role: Role;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

export interface IpcConfig {
  readonly socket: string;
  readonly mode: number;
  /** Besides root and the daemon's own uid. Both empty: whoever the socket's mode lets connect. */
  readonly allowUids: readonly number[];
  readonly allowGids: readonly number[];
  /** Who has which role for what. */
  readonly access: readonly AccessGrant[];
  /** How long a cut session of a client that lives is kept, in milliseconds; 0: not at all. */
  readonly graceMs: number;
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'human' | 'json';
}

/** Where metrics are served: one of a unix socket and a port of a loopback address. */
export type MetricsConfig =
  | { readonly socket: string; readonly address?: undefined; readonly port?: undefined }
  | { readonly socket?: undefined; readonly address: string; readonly port: number };

export interface LocksConfig {
  /** The order of grants that this node proposes; the cluster has one. */
  readonly fairness: 'standard' | 'fifo';
}

export const ENGINE_NAMES = ['totem', 'corosync'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** The engine `corosync`. */
export interface CorosyncConfig {
  /** CPG group of all executives of the cluster. */
  readonly group: string;
  /** Wait for a Corosync that is not there at the start; false: the start is refused. */
  readonly retry: boolean;
}

export interface ExecutiveConfig {
  readonly clusterName: string;
  readonly engine: EngineName;
  readonly corosync: CorosyncConfig;
  /** This node. */
  readonly node: NodeConfig;
  /** All nodes, this one included, ascending by id. */
  readonly nodes: readonly NodeConfig[];
  readonly totem: TotemConfig;
  readonly quorum: QuorumConfig;
  readonly locks: LocksConfig;
  readonly ipc: IpcConfig;
  readonly stateDir: string;
  readonly log: LogConfig;
  /** Seconds between two comparisons of the replicas; null: never. */
  readonly stateCheckS: number | null;
  readonly services: readonly ServiceName[];
  readonly plugins: readonly PluginConfig[];
  readonly watchdog: WatchdogConfig;
  /** undefined: over the admin channel only. */
  readonly metrics: MetricsConfig | undefined;
  /** Runs Corosync's services, too: CPG, votequorum, cfg. */
  readonly citizen: boolean;
}
