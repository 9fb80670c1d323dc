/**
 * The seal of a node: one sealer with one counter, one opener with one replay window for each sender, for the
 * transports of all its links (ADR 0133). Around each it is a transport again: the same shape in and out. A
 * packet is sealed once per link, however many nodes it goes to there; packets of this node to itself never
 * leave it and are not sealed. What cannot be opened is counted, told in the log now and then, and dropped
 * unread.
 */
import type { NodeConfig, SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';
import { DATAGRAM_BYTES_MAX, SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import type { UdpOptions, UdpTransport } from '../udp/udp.ts';
import { chooseAead } from './choose-aead.ts';
import type { EpochStore } from './epoch-store.ts';
import { cipherOf } from './format.ts';
import type { HeardStore } from './heard-store.ts';
import { createOpener, isSealed, REFUSALS, type Refusal } from './opener.ts';
import { createReports, type Reason } from './reports.ts';
import { createSealer } from './sealer.ts';

export interface SealOptions {
  readonly nodeId: number;
  /** nodeids of all other nodes. */
  readonly peers: readonly number[];
  readonly cipher: SealCipher;
  readonly sending: GroupKey;
  readonly accepted: readonly GroupKey[];
  readonly epochs: EpochStore;
  /** Epochs of the others that were heard in lives before. Closed with the seal. */
  readonly heard?: HeardStore;
  /** A packet authenticated under a key that is accepted and not the one to send with. */
  readonly heardOther: (key: GroupKey, from: number) => void;
  /** A packet sealed with a key of this id came, and none such is accepted. Told now and then only. */
  readonly heardUnknown: (keyId: number) => void;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly clock?: () => number;
  /** `plain`: sealed by node:crypto. Default: by the fastest there is. */
  readonly io?: 'auto' | 'plain';
}

export type OpenTransport = (options: UdpOptions) => Promise<UdpTransport>;

export interface Seal {
  /** Why node:crypto seals; undefined when it does not. */
  readonly plain: string | undefined;
  /**
   * The transport of one link, sealed. Sending on it throws StableStoreError when a new epoch is due and cannot
   * be stored: the node must stop. With the last link that is closed all keys are forgotten. @param open opens the transport below. @throws what `open` throws.
   */
  around(options: UdpOptions, open: OpenTransport): Promise<UdpTransport>;
  /** From now on seals with one key and opens what is sealed with these, on every link. */
  useKeys(sending: GroupKey, accepted: readonly GroupKey[]): void;
  /** Of all links together. */
  stats(): Readonly<Record<string, number>>;
}

/** Takes an epoch. @throws StableStoreError */
export function createSeal(seal: SealOptions): Seal {
  const { nodeId, peers, cipher, epochs, heardOther, heardUnknown } = seal;
  const { create, plain } = chooseAead(cipher, seal.io);
  const heard = seal.heard && { heard: seal.heard };
  const opener = createOpener({ cipher, nodeIds: peers, aead: create(), ...heard });
  const sealer = createSealer({ nodeId, cipher, key: seal.sending, epochs, aead: create() });
  const counters = { packetsSealed: 0, packetsOpened: 0, droppedTooLong: 0 };
  const refused = Object.fromEntries(REFUSALS.map((name) => [name, 0])) as Record<Refusal, number>;
  const reports = createReports(seal.trace, seal.clock ?? (() => performance.now()));
  let { sending } = seal;
  let openLinks = 0;
  let isForgotten = false;
  opener.accept(seal.accepted);

  function refuse(reason: Refusal, datagram: Uint8Array, peer: NodeConfig): void {
    refused[reason]++;
    // The network itself repeats packets now and then.
    if (reason === 'replay') return;
    const isTold = reports.report(peer, reason, () => refusalDetail(reason, datagram, cipher));
    if (isTold && reason === 'unknown-key') heardUnknown(datagram[3]!);
  }

  /** undefined when it would be too long for a datagram. Valid until the next packet is sealed, on any link. */
  function sealed(packet: Uint8Array): Uint8Array | undefined {
    if (packet.length + SEAL_OVERHEAD_BYTES > DATAGRAM_BYTES_MAX) {
      counters.droppedTooLong++;
      return undefined;
    }
    counters.packetsSealed++;
    return sealer.seal(packet);
  }

  function forget(): void {
    isForgotten = true;
    sealer.close();
    opener.close();
    seal.heard?.close();
  }

  async function around(options: UdpOptions, open: OpenTransport): Promise<UdpTransport> {
    const { nodes, receive } = options;
    const isAlone = nodes.every(({ id }) => id === nodeId);
    const inner = await open({
      ...options,
      receive(datagram, from) {
        if (from === nodeId) {
          receive(datagram, from);
          return;
        }
        const opened = opener.open(datagram, from);
        if (typeof opened === 'string') {
          refuse(opened, datagram, nodes.find(({ id }) => id === from)!);
          return;
        }
        counters.packetsOpened++;
        if (opened.key !== sending) heardOther(opened.key, from);
        receive(opened.packet, from);
      },
    });
    let isOpen = true;
    openLinks++;
    return {
      address: inner.address,
      port: inner.port,
      plain: inner.plain,
      unicast(target, packet) {
        if (!isOpen) return;
        const bytes = target === nodeId ? packet : sealed(packet);
        if (bytes !== undefined) inner.unicast(target, bytes);
      },
      multicast(packet, targets) {
        if (isAlone || !isOpen) return;
        const bytes = sealed(packet);
        if (bytes !== undefined) inner.multicast(bytes, targets);
      },
      flush: () => inner.flush?.(),
      async close() {
        await inner.close();
        if (isOpen && --openLinks === 0) forget();
        isOpen = false;
      },
      stats: () => inner.stats(),
    };
  }

  return {
    around,
    plain,
    useKeys(key, accepted) {
      if (isForgotten) return;
      if (key !== sending) sealer.use(key);
      sending = key;
      opener.accept(accepted);
    },
    stats: () => ({ ...counters, ...named(refused) }),
  };
}

/** For a ring in the clear: a peer that seals is told in the log, where the ring would drop it without a name. */
export function noticingSealed(
  options: UdpOptions,
  trace: SealOptions['trace'],
  clock: () => number = () => performance.now(),
): UdpOptions {
  const reports = createReports(trace, clock);
  return {
    ...options,
    receive(datagram, from) {
      const peer = isSealed(datagram) ? options.nodes.find(({ id }) => id === from) : undefined;
      if (peer !== undefined) {
        reports.report(peer, 'sealed', () => ({ keyId: datagram[3] ?? 0, advice: ADVICE.sealed }));
      }
      // The ring drops and counts it.
      options.receive(datagram, from);
    },
  };
}

function refusalDetail(
  reason: Refusal,
  datagram: Uint8Array,
  cipher: SealCipher,
): Readonly<Record<string, unknown>> {
  if (reason === 'unsealed') return { advice: ADVICE[reason] };
  const detail = { keyId: datagram[3] ?? 0, advice: ADVICE[reason] };
  if (reason !== 'cipher') return detail;
  return { ...detail, theirs: cipherOf(datagram[2] ?? 0) ?? 'unknown', ours: cipher };
}

const ADVICE: Readonly<Record<Reason, string>> = {
  malformed: 'no packet of this version looks like this',
  unsealed: 'give that node the key file of this ring (totem.key_file)',
  sealed: 'that node has a key, this one none: name the key file here, too (totem.key_file)',
  version: 'all nodes of a ring need the same version of the format',
  cipher: 'totem.cipher must be the same on all nodes',
  'unknown-key':
    'that node or this one has not the key file of the others: copy it, it is read again',
  sender: 'node ids and addresses of the nodelist must be the same on all nodes',
  'old-epoch':
    'late or recorded packets; when they go on, that node lost its state directory: rotate the key',
  replay: '',
  'wrong-key': 'give that node the key file of this ring and restart it',
};

/** `droppedWrongKey` and so on. */
function named(refused: Readonly<Record<Refusal, number>>): Record<string, number> {
  const camel = (text: string) =>
    text.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    Object.entries(refused).map(([name, count]) => [`dropped${camel(name)}`, count]),
  );
}
