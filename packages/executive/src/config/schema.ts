/** The shape of the configuration file (docs/reference/config.md). Strict: unknown keys are errors. */
import { isIP } from 'node:net';
import { SESSION_GRACE_MS_MAX } from '@aisexec/ipc/server';
import { LINK_MODES, LINKS_MAX } from '@aisexec/totem';
import { z } from 'zod';
import { ACCESS_GRANTS_MAX, ACCESS_IDS_MAX, NODELIST_MAX, SERVICES_MAX } from '../limits.ts';
import { ENGINE_NAMES, SEAL_CIPHERS } from './config.ts';
import { HOLD_MS_MIN, TIMEOUT_MS_MIN } from './timings.ts';

const milliseconds = z.int().min(TIMEOUT_MS_MIN).max(86_400_000).optional();
const port = z.int().min(1).max(65_535).optional();
const nodeId = z.int().min(1).max(0xffff_ffff);
const name = z.string().min(1).max(256);
const ids = z.array(z.int().min(0).max(0xffff_ffff)).max(ACCESS_IDS_MAX).optional();

const address = z.string().refine((text) => isIP(text) !== 0, {
  error: 'expected an IPv4 or IPv6 address',
});

const node = z.strictObject({
  id: nodeId,
  name: name.optional(),
  /** Either this or `links`. */
  address: address.optional(),
  port,
  links: z.array(address).min(1).max(LINKS_MAX).optional(),
  votes: z.int().min(0).max(1_000).optional(),
});

const totem = z.strictObject({
  transport: z.enum(['udpu', 'udp']).optional(),
  link_mode: z.enum(LINK_MODES).optional(),
  link_ports: z.array(z.int().min(1).max(65_535)).min(1).max(LINKS_MAX).optional(),
  mcastaddr: z
    .string()
    .refine((text) => isIP(text) !== 0, { error: 'expected an IPv4 or IPv6 multicast address' })
    .optional(),
  ttl: z.int().min(0).max(255).optional(),
  token: milliseconds,
  token_max: milliseconds,
  token_coefficient: z.int().min(0).max(3_600_000).optional(),
  token_retransmits_before_loss_const: z.int().min(1).max(1_000).optional(),
  token_retransmit: milliseconds,
  hold: z.int().min(HOLD_MS_MIN).max(86_400_000).optional(),
  join: milliseconds,
  consensus: milliseconds,
  merge: milliseconds,
  send_join: z.int().min(0).max(3_600_000).optional(),
  fail_recv_const: z.int().min(1).max(1_000_000).optional(),
  seqno_unchanged_const: z.int().min(1).max(1_000_000).optional(),
  miss_count_const: z.int().min(1).max(1_000_000).optional(),
  window_size: z.int().min(1).max(8_192).optional(),
  max_messages: z.int().min(1).max(8_192).optional(),
  accelerated_window: z.int().min(0).max(4_096).optional(),
  io: z.enum(['auto', 'plain']).optional(),
  key_file: z.string().min(1).optional(),
  cipher: z.enum(SEAL_CIPHERS).optional(),
  allow_unsealed: z.boolean().optional(),
  netmtu: z.int().min(576).max(65_535).optional(),
  port,
});

const quorum = z.strictObject({
  provider: z.enum(['votequorum', 'ykd', 'corosync', 'none']).optional(),
  module: z.string().min(1).max(4_096).optional(),
  config: z.unknown().optional(),
  expected_votes: z.int().min(1).max(NODELIST_MAX).optional(),
  two_node: z.boolean().optional(),
  wait_for_all: z.boolean().optional(),
  last_man_standing: z.boolean().optional(),
  last_man_standing_window: milliseconds,
  auto_tie_breaker: z.boolean().optional(),
  auto_tie_breaker_node: z
    .union([z.enum(['lowest', 'highest']), z.array(nodeId).min(1).max(NODELIST_MAX)], {
      error: "expected 'lowest', 'highest' or a list of nodeids",
    })
    .optional(),
  allow_downscale: z.boolean().optional(),
});

const locks = z.strictObject({ fairness: z.enum(['standard', 'fifo']).optional() });

const grant = z.strictObject({
  service: z.union([name, z.array(name).min(1).max(SERVICES_MAX)]),
  role: z.enum(['reader', 'user', 'operator']),
  uid: ids,
  gid: ids,
});

const ipc = z.strictObject({
  socket: z.string().min(1).optional(),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: "expected permissions in octal, like '0660'" })
    .optional(),
  allow: z.strictObject({ uid: ids, gid: ids }).optional(),
  access: z.array(grant).max(ACCESS_GRANTS_MAX).optional(),
  grace: z.int().min(0).max(SESSION_GRACE_MS_MAX).optional(),
});

const corosync = z.strictObject({
  group: z
    .string()
    .regex(/^[\x21-\x7e]{1,127}$/, {
      error: 'expected 1 to 127 characters of ASCII without spaces',
    })
    .optional(),
  retry: z.boolean().optional(),
});

const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).optional(),
  format: z.enum(['auto', 'human', 'json']).optional(),
});

const metrics = z.strictObject({
  socket: z.string().min(1).optional(),
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, { error: 'expected an IPv4 or IPv6 address' })
    .optional(),
  port,
});

const service = z.enum(['clm', 'lck', 'evt', 'ckpt', 'tmr', 'cpg']);
/** A service of one's own; its `config` is checked by its own schema when it is loaded. */
const plugin = z.strictObject({
  module: z.string().min(1).max(4_096),
  config: z.unknown().optional(),
});

export const configSchema = z.strictObject({
  cluster: z.strictObject({ name: name.optional() }).optional(),
  node: z.strictObject({ id: nodeId.optional(), name: name.optional() }).optional(),
  engine: z.enum(ENGINE_NAMES).optional(),
  corosync: corosync.optional(),
  totem: totem.optional(),
  nodelist: z.array(node).min(1).max(NODELIST_MAX).optional(),
  quorum: quorum.optional(),
  locks: locks.optional(),
  ipc: ipc.optional(),
  state_dir: z.string().min(1).optional(),
  log: log.optional(),
  services: z
    .array(z.union([service, plugin]))
    .max(SERVICES_MAX)
    .optional(),
  watchdog: z.strictObject({ warn: milliseconds, kill: milliseconds }).optional(),
  metrics: metrics.optional(),
  state_check: z.int().min(1).max(86_400).optional(),
});

/** The file's content as it was checked, before defaults. */
export type ConfigFile = z.infer<typeof configSchema>;
export type NodelistEntry = z.infer<typeof node>;

/** Names people know from elsewhere, and what they are called here. */
export const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  nodeid: 'id',
  ring0_addr: 'address',
  ring1_addr: 'links',
  addresses: 'links',
  rrp_mode: 'link_mode',
  addr: 'address',
  host: 'address',
  mcastport: 'port',
  bindnetaddr: 'nodelist[].address',
  interface: 'nodelist',
  nodes: 'nodelist',
  cluster_name: 'cluster.name',
  logging: 'log',
  loglevel: 'level',
  to_logfile: 'log',
  uidgid: 'ipc.allow',
  keyfile: 'key_file',
  secauth: 'key_file',
  crypto_cipher: 'cipher',
  crypto_hash: 'cipher',
  quorum_votes: 'votes',
  socket_path: 'socket',
  statedir: 'state_dir',
};
