/**
 * From the checked file to the configuration in force: defaults, this node among the nodelist, and the
 * rules that concern several keys at once.
 */

import { isIPv6, SocketAddress } from 'node:net';
import { homedir, hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { SESSION_GRACE_MS, serverSocketPath } from '@aisexec/ipc/server';
import { SEAL_OVERHEAD_BYTES } from '../limits.ts';
import {
  type ExecutiveConfig,
  type LinkAddress,
  linksOf,
  type NodeConfig,
  type PluginConfig,
  SERVICE_NAMES,
  type SealConfig,
  type TotemConfig,
  type TransportConfig,
} from './config.ts';
import { engineOf } from './engine-choice.ts';
import { isLoopback, metricsOf } from './metrics.ts';
import { isMulticast, multicastGroup } from './multicast.ts';
import { quorumOf } from './resolve-quorum.ts';
import type { ConfigFile, NodelistEntry } from './schema.ts';
import type { Complain, Path } from './source.ts';
import * as defaults from './timings.ts';

const PORT_MAX = 65_535;

/** What the configuration depends on besides its text. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  readonly uid: number;
  readonly home: string;
  /** Addresses of this host's interfaces. */
  readonly addresses: readonly string[];
}

export function thisHost(): Host {
  return {
    env: process.env,
    hostname: hostname(),
    uid: process.getuid?.() ?? -1,
    home: homedir(),
    addresses: Object.values(networkInterfaces()).flatMap((entries) =>
      (entries ?? []).map((entry) => entry.address),
    ),
  };
}

/** A rule over several keys that is broken, at the key that should change. */
export interface RuleProblem {
  readonly path: Path;
  readonly text: string;
}

export type Resolved =
  | { readonly config: ExecutiveConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly RuleProblem[] };

export function resolveConfig(file: ConfigFile, host: Host): Resolved {
  const problems: RuleProblem[] = [];
  const complain = (path: Path, text: string) => void problems.push({ path, text });
  const nodes = nodesOf(file, host, complain);
  const node = findSelf(file, nodes, host, complain);
  const totem = totemOf(file, nodes, complain);
  const quorum = quorumOf(file, nodes, complain);
  const access = grantsOf(file, complain);
  const engine = engineOf(file, complain);
  if (engine === 'totem') checkExposure(file, nodes, complain);
  const metrics = metricsOf(file, complain);
  if (node === undefined || problems.length > 0) return { problems };
  const { ipc = {}, log = {} } = file;
  const config: ExecutiveConfig = {
    clusterName: file.cluster?.name ?? 'aisexec',
    engine,
    corosync: {
      group: file.corosync?.group ?? 'aisexec',
      retry: file.corosync?.retry ?? false,
    },
    node,
    nodes: [...nodes].sort((a, b) => a.id - b.id),
    totem,
    quorum,
    locks: { fairness: file.locks?.fairness ?? 'standard' },
    ipc: {
      socket: ipc.socket ?? serverSocketPath(host.env),
      mode: Number.parseInt(ipc.mode ?? defaultMode(ipc.allow ?? ipc.access), 8),
      allowUids: ipc.allow?.uid ?? [],
      allowGids: ipc.allow?.gid ?? [],
      access,
      graceMs: ipc.grace ?? SESSION_GRACE_MS,
    },
    stateDir: file.state_dir ?? defaultStateDir(host),
    log: { level: log.level ?? 'info', format: log.format ?? 'auto' },
    stateCheckS: file.state_check ?? null,
    services: SERVICE_NAMES.filter((name) => file.services?.includes(name) ?? true),
    plugins: pluginsOf(file),
    watchdog: {
      warnMs: file.watchdog?.warn ?? defaults.WATCHDOG_WARN_MS,
      killMs: file.watchdog?.kill ?? defaults.WATCHDOG_KILL_MS,
    },
    metrics,
    citizen: file.services?.includes('cpg') ?? false,
  };
  return { config };
}

type TotemFile = NonNullable<ConfigFile['totem']>;

function pluginsOf({ services = [] }: ConfigFile): readonly PluginConfig[] {
  return services.flatMap((entry, index) =>
    typeof entry === 'string' ? [] : [{ module: entry.module, config: entry.config, index }],
  );
}

function nodesOf(file: ConfigFile, host: Host, complain: Complain): readonly NodeConfig[] {
  const { nodelist, totem = {} } = file;
  if (nodelist === undefined) {
    const { id = 1, name = host.hostname } = file.node ?? {};
    // Nobody will send to a node that is alone: any free port will do, and two users do not collide.
    return [{ id, name, address: '127.0.0.1', family: 'inet', port: totem.port ?? 0 }];
  }
  const isAddressed = ({ address, links }: NodelistEntry, i: number): boolean => {
    if ((address === undefined) !== (links === undefined)) return true;
    const text =
      links === undefined
        ? 'missing; expected an IPv4 or IPv6 address, or links with several'
        : 'links has the addresses: remove one of the two';
    complain(['nodelist', i, 'address'], text);
    return false;
  };
  // Nothing more is said about nodes of which it is not known where they are.
  if (!nodelist.every(isAddressed)) return [];
  const nodes = nodelist.map((entry) => nodeOf(entry, totem));
  checkNodes(nodes, complain);
  return nodes;
}

function checkNodes(nodes: readonly NodeConfig[], complain: Complain): void {
  const seen = new Map<string, number>();
  const once = (path: Path, i: number, text: string): void => {
    const other = seen.get(text);
    if (other === undefined) seen.set(text, i);
    else complain(path, `duplicate: nodelist[${other}] has ${text}, too`);
  };
  nodes.forEach((node, i) => {
    once(['nodelist', i, 'id'], i, `id ${node.id}`);
    once(['nodelist', i, 'name'], i, `name '${node.name}'`);
    linksOf(node).forEach(({ address, family, port }, link) => {
      const path = linkPath(node, i, link);
      once(path, i, `address ${address} port ${port}`);
      const standard = nodes.find((other) => linksOf(other).length > link)!;
      if (family !== linksOf(standard)[link]!.family) {
        const text = `${address} is not of the same family (IPv4, IPv6) as nodelist[${nodes.indexOf(standard)}]; one network has one`;
        complain(path, text);
      }
      if (port > PORT_MAX) complain(path, `port ${port} of link ${link} is above ${PORT_MAX}`);
    });
  });
}

function linkPath({ links }: NodeConfig, node: number, link: number): Path {
  return links === undefined ? ['nodelist', node, 'address'] : ['nodelist', node, 'links', link];
}

function nodeOf(entry: NodelistEntry, { port, link_ports: ports = [] }: TotemFile): NodeConfig {
  const portOf = (link: number): number =>
    entry.port === undefined
      ? (ports[link] ?? (port ?? defaults.DEFAULT_PORT) + link)
      : entry.port + link;
  const links = (entry.links ?? [entry.address!]).map(
    (address, link): LinkAddress => ({
      address: canonicalAddress(address),
      family: isIPv6(address) ? 'inet6' : 'inet',
      port: portOf(link),
    }),
  );
  const { id, name = `node-${id}` } = entry;
  return links.length === 1 ? { id, name, ...links[0]! } : { id, name, ...links[0]!, links };
}

/** The spelling that the kernel uses, so that addresses compare as texts. */
export function canonicalAddress(address: string): string {
  return new SocketAddress({ address, family: isIPv6(address) ? 'ipv6' : 'ipv4' }).address;
}

function findSelf(
  { node = {}, nodelist }: ConfigFile,
  nodes: readonly NodeConfig[],
  host: Host,
  complain: Complain,
): NodeConfig | undefined {
  if (nodelist === undefined) return nodes[0];
  const mine = `my addresses: ${host.addresses.join(', ')}`;
  const wanted = nodes.filter(
    ({ id, name }) =>
      (node.id === undefined || node.id === id) && (node.name === undefined || node.name === name),
  );
  const named = node.id !== undefined || node.name !== undefined;
  const key = node.id === undefined ? 'name' : 'id';
  if (named && wanted.length !== 1) {
    const list = nodes.map(({ id, name }) => `${id} (${name})`).join(', ');
    complain(['node', key], `not in the nodelist, which has ${list}`);
    return undefined;
  }
  const here = wanted.filter((node) =>
    linksOf(node).some(({ address }) => isOfHost(address, host)),
  );
  if (here.length === 1) return here[0];
  if (named) {
    const index = nodes.indexOf(wanted[0] as NodeConfig);
    const [node] = wanted as [NodeConfig];
    const text = `${node.address} is not an address of this host (${mine})`;
    complain(linkPath(node, index, 0), text);
  } else if (here.length === 0) {
    complain(['nodelist'], `I cannot find myself in the nodelist (${mine})`);
  } else {
    const list = here.map(({ id }) => id).join(', ');
    complain(
      ['nodelist'],
      `nodes ${list} all have an address of this host: say which with node.id`,
    );
  }
  return undefined;
}

function isOfHost(address: string, host: Host): boolean {
  return isLoopback(address) || host.addresses.includes(address);
}

function totemOf(file: ConfigFile, nodes: readonly NodeConfig[], complain: Complain): TotemConfig {
  const { totem = {} } = file;
  const loopback = nodes.flatMap(linksOf).every(({ address }) => isLoopback(address));
  const timings = defaults.timingsOf(totem, nodes.length, loopback);
  const { tokenMs, tokenMaxMs, tokenRetransmitMs, holdMs, joinMs, consensusMs } = timings;
  const packets = defaults.packetsOf(totem.netmtu, loopback);
  const seal = sealOf(file, complain);
  const rule = (holds: boolean, key: keyof typeof totem, text: string) => {
    if (!holds) complain(['totem', key], text);
  };
  rule(
    tokenRetransmitMs < tokenMs && tokenRetransmitMs >= defaults.TIMEOUT_MS_MIN,
    totem.token_retransmit === undefined ? 'token' : 'token_retransmit',
    `retransmits of the token every ${tokenRetransmitMs} ms do not fit a token time-out of ${tokenMs} ms; they must be at least ${defaults.TIMEOUT_MS_MIN} ms apart and come before it`,
  );
  rule(
    tokenMaxMs >= tokenMs,
    'token_max',
    `${tokenMaxMs} ms is below the token time-out of ${tokenMs} ms (token, and token_coefficient for each node beyond two)`,
  );
  rule(
    holdMs < tokenRetransmitMs && holdMs >= defaults.HOLD_MS_MIN,
    totem.hold === undefined ? 'token' : 'hold',
    `a hold of ${holdMs} ms does not fit retransmits every ${tokenRetransmitMs} ms; it must be shorter, and at least ${defaults.HOLD_MS_MIN} ms`,
  );
  rule(
    consensusMs >= tokenMs * defaults.CONSENSUS_FACTOR - 1,
    'consensus',
    `${consensusMs} ms is too short for a token time-out of ${tokenMs} ms: at least ${Math.floor(tokenMs * defaults.CONSENSUS_FACTOR)}`,
  );
  rule(
    joinMs < consensusMs,
    'join',
    `${joinMs} ms is not shorter than consensus (${consensusMs} ms)`,
  );
  return {
    ...timings,
    transport: transportOf(file, nodes, complain),
    linkMode: totem.link_mode ?? 'passive',
    sendJoinMs: totem.send_join ?? defaults.SEND_JOIN_MS,
    failRecvConst: totem.fail_recv_const ?? defaults.FAIL_RECV_CONST,
    seqnoUnchangedConst: totem.seqno_unchanged_const ?? defaults.SEQNO_UNCHANGED_CONST,
    missCountConst: totem.miss_count_const ?? defaults.MISS_COUNT_CONST,
    windowSize: totem.window_size ?? packets.windowSize,
    maxMessages: totem.max_messages ?? packets.maxMessages,
    acceleratedWindow: totem.accelerated_window ?? defaults.ACCELERATED_WINDOW,
    io: totem.io ?? 'auto',
    seal,
    payloadBytesMax:
      packets.netmtu - defaults.NETMTU_OVERHEAD - (seal === undefined ? 0 : SEAL_OVERHEAD_BYTES),
  };
}

function sealOf({ totem = {} }: ConfigFile, complain: Complain): SealConfig | undefined {
  const { key_file: keyFile, cipher, allow_unsealed: allowUnsealed } = totem;
  if (keyFile === undefined) {
    if (cipher !== undefined) complain(['totem', 'cipher'], 'means nothing without key_file');
    return undefined;
  }
  if (allowUnsealed === true) {
    const text = 'cannot be beside key_file: a ring with a key takes in sealed packets only';
    complain(['totem', 'allow_unsealed'], text);
  }
  return { keyFile, cipher: cipher ?? 'aes-256-gcm' };
}

/** Nodes on a network talk in the clear only when that was asked for (docs/security.md). */
function checkExposure(
  { totem = {} }: ConfigFile,
  nodes: readonly NodeConfig[],
  complain: Complain,
): void {
  const places = nodes.flatMap((node, i) =>
    linksOf(node).map(({ address }, link) => ({ address, path: linkPath(node, i, link) })),
  );
  const exposed = places.find(({ address }) => !isLoopback(address));
  if (nodes.length === 1 || exposed === undefined) return;
  if (totem.key_file !== undefined || totem.allow_unsealed === true) return;
  complain(
    exposed.path,
    `${exposed.address} is on a network and nothing seals its packets: make a key (aisctl keygen FILE), ` +
      'copy it to every node and name it as totem.key_file; or, where the network itself is to be trusted, say ' +
      'totem.allow_unsealed: true',
  );
}

function transportOf(
  { cluster, totem = {} }: ConfigFile,
  nodes: readonly NodeConfig[],
  complain: Complain,
): TransportConfig {
  const { transport = 'udpu', mcastaddr, ttl } = totem;
  const family = nodes[0]?.family ?? 'inet';
  if (transport === 'udpu') {
    const given = mcastaddr === undefined ? 'ttl' : 'mcastaddr';
    if (mcastaddr !== undefined || ttl !== undefined) {
      complain(['totem', given], 'only for transport udp; udpu sends to each node by itself');
    }
    return { type: 'udpu' };
  }
  nodes.forEach((node, i) => {
    if (linksOf(node).length === 1) return;
    complain(linkPath(node, i, 1), 'several links need the transport udpu; udp has one');
  });
  const group = mcastaddr ?? multicastGroup(cluster?.name ?? '', family);
  if (!isMulticast(group) || (family === 'inet6') !== isIPv6(group)) {
    complain(['totem', 'mcastaddr'], `${group} is no multicast address of the nodes' family`);
  }
  if (new Set(nodes.map(({ port }) => port)).size > 1) {
    complain(['totem', 'transport'], 'udp needs one port for all nodes of the nodelist');
  }
  return { type: 'udp', group, ttl: ttl ?? 1 };
}

function grantsOf({ ipc = {} }: ConfigFile, complain: Complain): ExecutiveConfig['ipc']['access'] {
  return (ipc.access ?? []).map(({ service, role, uid = [], gid = [] }, index) => {
    if (uid.length + gid.length === 0) {
      complain(['ipc', 'access', index], 'says nobody: name at least one uid or gid');
    }
    return { services: [service].flat(), role, uids: uid, gids: gid };
  });
}

/** With an allow list others must get as far as being asked who they are; without one, only the owner. */
function defaultMode(restricted: object | undefined): string {
  return restricted === undefined ? '0600' : '0666';
}

function defaultStateDir({ env, uid, home }: Host): string {
  if (uid === 0) return '/var/lib/aisexec';
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'aisexec');
}
