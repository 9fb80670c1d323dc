/** The configuration files of a laboratory: one corosync.conf for both kinds of daemon, or ours where packets are sealed. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PORT = 5405;
/** In a node's directory. */
export const KEY_FILE = 'key';

export type Kind = 'corosync' | 'aisexec' | 'spy';

export interface LabOptions {
  /** By nodeid. */
  readonly nodes: Readonly<Record<number, Kind>>;
  /** Lines for the section totem of corosync.conf; `key: value`. */
  readonly totem?: Readonly<Record<string, string | number>>;
  /** Keys of that section for the executives alone, which then have a file in our own format. */
  readonly ours?: Readonly<Record<string, string | number>>;
  readonly quorum?: Readonly<Record<string, string | number>>;
  /** knet: encrypted and signed, as distributions set it up; only among corosync daemons. */
  readonly transport?: 'udpu' | 'udp' | 'knet';
  readonly family?: 'inet' | 'inet6';
  /** All nodes are ours and have the file of {@link KEY_FILE}, which is for the test to write. */
  readonly sealed?: boolean;
  /** Networks, 1 or more; the corosync daemons are on the first and know of no other. */
  readonly networks?: number;
}

/** @returns the file's path. */
export function writeConfig(...args: Parameters<typeof corosyncConf>): string {
  const [{ nodes, sealed = false, ours }, , reader, , directory] = args;
  const isOwn = sealed || (ours !== undefined && nodes[reader] === 'aisexec');
  const path = join(directory, isOwn ? 'aisexec.yaml' : 'corosync.conf');
  writeFileSync(path, isOwn ? aisexecYaml(...args) : corosyncConf(...args));
  return path;
}

/** A corosync.conf names no key (ADR 0137). JSON is YAML. */
function aisexecYaml(
  { totem = {}, ours = {}, sealed = false, networks = 1 }: LabOptions,
  ids: readonly number[],
  reader: number,
  addressOf: (id: number, network: number) => string,
  directory: string,
): string {
  const linksOf = (id: number) => Array.from({ length: networks }, (_, i) => addressOf(id, i));
  const guard = sealed ? { key_file: join(directory, KEY_FILE) } : { allow_unsealed: true };
  return JSON.stringify({
    cluster: { name: 'lab' },
    node: { id: reader },
    totem: { token: 1000, ...totem, ...ours, ...guard },
    nodelist: ids.map((id) => ({ id, links: linksOf(id) })),
    services: ['clm', 'lck', 'evt', 'ckpt', 'cpg'],
    state_dir: directory,
  });
}

function corosyncConf(
  { nodes, totem = {}, quorum = {}, transport = 'udpu', family = 'inet', networks = 1 }: LabOptions,
  ids: readonly number[],
  reader: number,
  addressOf: (id: number, network: number) => string,
  directory: string,
): string {
  const lines = (entries: object) =>
    Object.entries(entries).map(([key, value]) => `  ${key}: ${value}`);
  const isOurs = (id: number) => nodes[id] === 'aisexec';
  const node = (id: number) => {
    // Corosync refuses udpu with several links.
    const count = isOurs(id) && isOurs(reader) ? networks : 1;
    const rings = Array.from({ length: count }, (_, i) => `ring${i}_addr: ${addressOf(id, i)}`);
    return ['  node {', `    nodeid: ${id}`, `    name: ${nodes[id]}-${id}`]
      .concat(rings.map((ring) => `    ${ring}`))
      .concat('  }')
      .join('\n');
  };
  const crypto = { crypto_cipher: 'aes256', crypto_hash: 'sha256', keyfile: keyOf(directory) };
  const section = (name: string, body: readonly string[]) => [`${name} {`, ...body, '}'];
  return [
    ...section('totem', [
      ...lines({ version: 2, cluster_name: 'lab', transport, token: 1000, ...totem }),
      ...(transport === 'knet' ? lines(crypto) : []),
      ...lines({ ip_version: family === 'inet6' ? 'ipv6' : 'ipv4' }),
      ...(transport === 'udp' ? ['  interface {', `    mcastport: ${PORT}`, '  }'] : []),
    ]),
    ...section('nodelist', ids.map(node)),
    ...section('quorum', lines({ provider: 'corosync_votequorum', ...quorum })),
    ...section('logging', lines({ to_stderr: 'yes', to_syslog: 'no', to_logfile: 'no' })),
    ...section(
      'system',
      lines({ sched_rr: 'no', move_to_root_cgroup: 'no', state_dir: directory }),
    ),
    '',
  ].join('\n');
}

/** One key for all nodes of a laboratory. */
function keyOf(directory: string): string {
  const file = join(directory, '..', 'authkey');
  if (!existsSync(file)) writeFileSync(file, randomBytes(256), { mode: 0o400 });
  return file;
}
