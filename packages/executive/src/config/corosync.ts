/**
 * Corosync's own configuration, read as it is and turned into the shape of ours (schema.ts), which is then
 * checked and resolved like any other. What does not concern a citizen of the ring (logging, knet, IPC of the
 * C daemons) is passed over; what would make this node another kind of member than the daemons beside it
 * is refused with its line.
 */
import { execFileSync } from 'node:child_process';
import { isIP } from 'node:net';
import { type CorosyncSection, type CorosyncValue, parseCorosync } from './corosync-syntax.ts';
import type { ConfigSource, Path, Position } from './source.ts';
import { DEFAULT_PORT, TOKEN_COEFFICIENT_MS, TOKEN_MS } from './timings.ts';

/** A host's name as an address, where a nodelist has names; undefined: unknown. */
export type Resolve = (name: string) => string | undefined;

/** Keys of the section totem that are numbers and the same here and there. */
const TOTEM_NUMBERS = [
  'token',
  'token_coefficient',
  'token_retransmits_before_loss_const',
  'token_retransmit',
  'hold',
  'join',
  'consensus',
  'merge',
  'send_join',
  'fail_recv_const',
  'seqno_unchanged_const',
  'miss_count_const',
  'window_size',
  'max_messages',
  'netmtu',
] as const;

/** Keys that must have one of these values, else the rings would not be one. */
const REQUIRED: readonly (readonly [section: string, key: string, only: string, why: string])[] = [
  ['totem', 'version', '2', 'the only version there is'],
  ['totem', 'crypto_cipher', 'none', 'Corosync does not encrypt udp and udpu'],
  ['totem', 'crypto_hash', 'none', 'Corosync does not sign udp and udpu'],
  ['totem', 'secauth', 'off', 'Corosync does not sign udp and udpu'],
];

export function isCorosyncConf(file: string): boolean {
  return file.endsWith('.conf');
}

export function parseCorosyncSource(text: string, resolve: Resolve = getent): ConfigSource {
  const { root, problems } = parseCorosync(text);
  const translation = new Translation(resolve);
  if (problems.length === 0) translation.translate(root);
  const { value, places } = translation;
  const at = (path: Path): Position | undefined => places.get(path.join('/'));
  const positionOf = (path: Path): Position => {
    for (let depth = path.length; depth >= 0; depth--) {
      const position = at(path.slice(0, depth));
      if (position !== undefined) return position;
    }
    return { line: 1, column: 1 };
  };
  return {
    value,
    problems: [...problems, ...translation.problems],
    positionOf,
    positionOfKey: positionOf,
  };
}

/** Numbers of links: Corosync has eight. */
const RINGS = /^[0-7]$/;

type Tree = { [key: string]: unknown };

class Translation {
  readonly problems: { readonly position: Position; readonly text: string }[] = [];
  readonly places = new Map<string, Position>();
  readonly value: Tree = { services: ['clm', 'lck', 'evt', 'ckpt', 'tmr', 'cpg'] };
  readonly #resolve: Resolve;
  readonly #linkPorts: { [link: number]: CorosyncValue } = {};

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  translate(root: CorosyncSection): void {
    for (const [section, key, only, why] of REQUIRED) {
      const found = last(root, section)?.keys.get(key);
      if (found === undefined || normal(found.text) === only) continue;
      this.#complain(
        found.position,
        `${section}.${key}: '${found.text}' cannot be, only ${only}: ${why}`,
      );
    }
    this.#totem(last(root, 'totem'));
    this.#nodelist(last(root, 'nodelist'));
    this.#quorum(last(root, 'quorum'));
    const { keys: system } = last(root, 'system') ?? { keys: new Map<string, CorosyncValue>() };
    const stateDir = system.get('state_dir');
    // Beside the files of a corosync that ran here, which have another format.
    if (stateDir !== undefined) {
      this.#set(['state_dir'], { ...stateDir, text: `${stateDir.text}/aisexec` });
    }
    const debug = last(root, 'logging')?.keys.get('debug');
    if (debug !== undefined && normal(debug.text) === '1') this.value['log'] = { level: 'debug' };
  }

  #totem(totem: CorosyncSection | undefined): void {
    // Corosync's time-outs, even where every node is on loopback.
    // The C daemons of such a ring cannot seal (ADR 0137).
    this.value['totem'] = {
      token: TOKEN_MS,
      token_coefficient: TOKEN_COEFFICIENT_MS,
      allow_unsealed: true,
    };
    const transport = totem?.keys.get('transport');
    if (totem === undefined || transport === undefined) {
      const position = totem?.position ?? { line: 1, column: 1 };
      this.#complain(position, "totem.transport: missing, which is knet; expected 'udpu' or 'udp'");
      return;
    }
    this.places.set('totem', totem.position);
    this.#set(['totem', 'transport'], transport);
    this.#set(['cluster', 'name'], totem.keys.get('cluster_name'));
    this.#setNumber(['node', 'id'], totem.keys.get('nodeid'));
    for (const key of TOTEM_NUMBERS) this.#setNumber(['totem', key], totem.keys.get(key));
    for (const key of ['rrp_mode', 'link_mode']) this.#linkMode(totem.keys.get(key));
    for (const section of totem.sections) {
      if (section.name === 'interface') this.#interface(section, transport.text);
    }
  }

  /** One link's port and, for `udp`, its group. */
  #interface({ keys, position }: CorosyncSection, transport: string): void {
    const text = (keys.get('linknumber') ?? keys.get('ringnumber'))?.text ?? '0';
    const link = RINGS.test(text) ? Number(text) : undefined;
    if (link === undefined || (link > 0 && transport === 'udp')) {
      const links = transport === 'udp' ? 'udp has one link' : 'links are 0 to 7';
      this.#complain(position, `totem.interface ${text}: ${links}`);
      return;
    }
    const port = keys.get('mcastport');
    if (link === 0) this.#setNumber(['totem', 'port'], port);
    else if (port !== undefined) this.#linkPorts[link] = port;
    if (transport !== 'udp') return;
    this.#set(['totem', 'mcastaddr'], keys.get('mcastaddr'));
    this.#setNumber(['totem', 'ttl'], keys.get('ttl'));
  }

  /** `none` is one link, which is what the nodelist then says, too. */
  #linkMode(mode: CorosyncValue | undefined): void {
    if (mode === undefined || mode.text === 'none') return;
    this.#set(['totem', 'link_mode'], mode);
  }

  #nodelist(nodelist: CorosyncSection | undefined): void {
    if (nodelist === undefined) {
      this.#complain(
        { line: 1, column: 1 },
        'nodelist: missing; this executive needs to know the nodes',
      );
      return;
    }
    this.places.set('nodelist', nodelist.position);
    const nodes = nodelist.sections.filter(({ name }) => name === 'node');
    this.value['nodelist'] = nodes.map(() => ({}));
    nodes.forEach(({ keys, position }, i) => {
      this.places.set(`nodelist/${i}`, position);
      this.#setNumber(['nodelist', i, 'id'], keys.get('nodeid'));
      this.#set(['nodelist', i, 'name'], keys.get('name'));
      this.#setNumber(['nodelist', i, 'votes'], keys.get('quorum_votes'));
      this.#addresses(i, keys);
    });
    this.#setLinkPorts(nodes);
  }

  /** ring0_addr to ring7_addr without a hole; Corosync itself has more than one with knet only. */
  #addresses(i: number, keys: CorosyncSection['keys']): void {
    const given = [...keys].filter(([key]) => /^ring\d+_addr$/.test(key)).sort();
    given.forEach(([key, value], link) => {
      if (key !== `ring${link}_addr` || !RINGS.test(String(link))) {
        const text = link > 7 ? 'links are 0 to 7' : `without a ring${link}_addr`;
        this.#complain(value.position, `nodelist.node.${key}: ${text}`);
        return;
      }
      const path: Path =
        given.length === 1 ? ['nodelist', i, 'address'] : ['nodelist', i, 'links', link];
      const text = isIP(value.text) === 0 ? this.#resolve(value.text) : value.text;
      if (text === undefined) {
        const place = `nodelist.node.${key}`;
        this.#complain(value.position, `${place}: no address is known for '${value.text}'`);
      } else this.#set(path, { ...value, text });
    });
  }

  /** Those that are not given follow the port of link 0, as with knet. */
  #setLinkPorts(nodes: readonly CorosyncSection[]): void {
    if (Object.keys(this.#linkPorts).length === 0 || nodes.length === 0) return;
    const totem = this.value['totem'] as Tree;
    const first = typeof totem['port'] === 'number' ? totem['port'] : DEFAULT_PORT;
    const links = Math.max(...Object.keys(this.#linkPorts).map(Number)) + 1;
    for (let link = 0; link < links; link++) {
      const given = this.#linkPorts[link];
      if (given !== undefined) this.#setNumber(['totem', 'link_ports', link], given);
      else this.#put(['totem', 'link_ports', link], first + link, { line: 1, column: 1 });
    }
  }

  #quorum(quorum: CorosyncSection | undefined): void {
    const provider = quorum?.keys.get('provider');
    if (quorum === undefined || provider === undefined) {
      this.value['quorum'] = { provider: 'none' };
      return;
    }
    this.places.set('quorum', quorum.position);
    if (provider.text !== 'corosync_votequorum') {
      this.#complain(
        provider.position,
        `quorum.provider: '${provider.text}' is not corosync_votequorum`,
      );
    }
    this.#set(['quorum', 'provider'], { ...provider, text: 'votequorum' });
    this.#setNumber(['quorum', 'expected_votes'], quorum.keys.get('expected_votes'));
    const votes = quorum.keys.get('votes');
    if (votes !== undefined) {
      this.#complain(
        votes.position,
        'quorum.votes: say it with quorum_votes of each node in the nodelist',
      );
    }
    const twoNode = quorum.keys.get('two_node');
    this.#setFlag(['quorum', 'two_node'], twoNode);
    // Corosync waits for all of two nodes unless it is told otherwise.
    this.#setFlag(['quorum', 'wait_for_all'], quorum.keys.get('wait_for_all') ?? twoNode);
    this.#setFlag(['quorum', 'last_man_standing'], quorum.keys.get('last_man_standing'));
    const window = quorum.keys.get('last_man_standing_window');
    this.#setNumber(['quorum', 'last_man_standing_window'], window);
    this.#setFlag(['quorum', 'auto_tie_breaker'], quorum.keys.get('auto_tie_breaker'));
    this.#tieBreaker(quorum.keys.get('auto_tie_breaker_node'));
    // The name of allow_downscale before Corosync 2.0.
    const downscale = quorum.keys.get('allow_downscale') ?? quorum.keys.get('leave_remove');
    this.#setFlag(['quorum', 'allow_downscale'], downscale);
    const device = quorum.sections.find(({ name }) => name === 'device');
    if (device !== undefined) {
      this.#complain(device.position, 'quorum.device: quorum devices are not supported');
    }
  }

  #tieBreaker(found: CorosyncValue | undefined): void {
    if (found === undefined) return;
    const words = found.text.trim().split(/\s+/);
    const isList = words.every((word) => /^\d+$/.test(word));
    const value = isList ? words.map(Number) : found.text;
    this.#put(['quorum', 'auto_tie_breaker_node'], value, found.position);
  }

  #setFlag(path: Path, found: CorosyncValue | undefined): void {
    if (found === undefined) return;
    const text = normal(found.text);
    if (text === '0' || text === '1') this.#put(path, text === '1', found.position);
    else
      this.#complain(found.position, `${path.join('.')}: expected 0 or 1, found '${found.text}'`);
  }

  /** What is no number stays a text, for the schema to complain about. */
  #setNumber(path: Path, found: CorosyncValue | undefined): void {
    if (found === undefined) return;
    const isNumber = /^\d+$/.test(found.text);
    this.#put(path, isNumber ? Number(found.text) : found.text, found.position);
  }

  #set(path: Path, found: CorosyncValue | undefined): void {
    if (found !== undefined) this.#put(path, found.text, found.position);
  }

  #put(path: Path, value: unknown, position: Position): void {
    this.places.set(path.join('/'), position);
    let at = this.value;
    path.slice(0, -1).forEach((part, depth) => {
      at[String(part)] ??= typeof path[depth + 1] === 'number' ? [] : {};
      at = at[String(part)] as Tree;
    });
    at[String(path.at(-1))] = value;
  }

  #complain(position: Position, text: string): void {
    this.problems.push({ position, text });
  }
}

/** Sections may be repeated; for single values the last one counts. */
function last(root: CorosyncSection, name: string): CorosyncSection | undefined {
  const all = root.sections.filter((section) => section.name === name);
  if (all.length < 2) return all[0];
  return {
    name,
    position: all[0]!.position,
    keys: new Map(all.flatMap(({ keys }) => [...keys])),
    sections: all.flatMap(({ sections }) => sections),
  };
}

/** Corosync's many words for yes and no. */
function normal(text: string): string {
  if (['on', 'yes', '1', 'trace'].includes(text)) return '1';
  if (['no', '0'].includes(text)) return '0';
  return text;
}

/** Names are for the system's resolver; a configuration is read once, so it may take its time. */
function getent(name: string): string | undefined {
  try {
    const text = execFileSync('getent', ['ahosts', name], { encoding: 'utf8', timeout: 10_000 });
    return text.split(/\s/, 1)[0];
  } catch {
    return undefined;
  }
}
