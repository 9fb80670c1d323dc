/**
 * Opens sealed packets of the configured nodes, or says why not. Everything before the tag is checked costs
 * little and changes nothing; a sender's newer epoch counts from the first packet that authenticates.
 * State is bounded: per accepted key (two) and configured node one epoch, one key and one window. Epochs are
 * remembered over restarts where a store is given.
 */
import type { SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';
import { DATAGRAM_BYTES_MAX, SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import type { Aead, AeadKey } from './aead.ts';
import { chooseAead } from './choose-aead.ts';
import {
  COUNTER_AT,
  HEADER_BYTES,
  MAGIC_0,
  MAGIC_1,
  readU32,
  senderSecret,
  VERSION,
  versionByte,
} from './format.ts';
import type { HeardStore } from './heard-store.ts';
import { ReplayWindow } from './replay-window.ts';

/** Why a datagram is dropped; the names are those of the log and of the counters. */
export const REFUSALS = [
  'malformed', // too short, or fields that no sender writes
  'unsealed', // in the clear, while this ring is sealed
  'version', // of another version of the format
  'cipher', // sealed with another cipher than configured here
  'unknown-key', // a key id that this node does not accept
  'sender', // names another node than the one whose address it comes from
  'old-epoch', // from before a restart of its sender
  'replay', // seen before, or too old to tell
  'wrong-key', // does not authenticate: another secret, or altered
] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Opened = { readonly packet: Uint8Array; readonly key: GroupKey } | Refusal;

export interface Opener {
  /** The packet is valid until the next call. @param from the node whose address it came from. */
  open(datagram: Uint8Array, from: number): Opened;
  /** Exactly these keys count from now on; what is known of senders under others is forgotten. */
  accept(keys: readonly GroupKey[]): void;
  /** Forgets all keys. */
  close(): void;
}

/** What is known of one sender under one key: nothing before its first packet. */
interface Sender {
  epochHigh: number;
  epochLow: number;
  life: Life | undefined;
}

interface Life {
  readonly key: AeadKey;
  readonly window: ReplayWindow;
}

interface Slot {
  readonly key: GroupKey;
  readonly senders: ReadonlyMap<number, Sender>;
}

export interface OpenerOptions {
  readonly cipher: SealCipher;
  readonly nodeIds: readonly number[];
  /** Its frame is the opener's. Default: the fastest there is. */
  readonly aead?: Aead;
  /** Epochs heard in lives before. Default: none. */
  readonly heard?: HeardStore;
}

export function createOpener({ cipher, nodeIds, heard, ...more }: OpenerOptions): Opener {
  const { aead = chooseAead(cipher).create() } = more;
  const expected = versionByte(cipher);
  const { frame } = aead;
  let slots: readonly Slot[] = [];

  function keyOf(group: GroupKey, from: number, high: number, low: number): AeadKey {
    const secret = senderSecret(group, cipher, from, epochOf(high, low));
    const key = aead.key(secret);
    secret.fill(0);
    return key;
  }

  function sendersOf({ fingerprint }: GroupKey): ReadonlyMap<number, Sender> {
    return new Map(
      nodeIds.map((id) => {
        const epoch = heard?.epochOf(fingerprint, id) ?? 0n;
        const halves = { epochHigh: Number(epoch >> 32n), epochLow: Number(epoch & 0xffff_ffffn) };
        return [id, { ...halves, life: undefined }];
      }),
    );
  }

  /** A packet of an epoch that is newer than all before, or the first one since this node started. */
  function begin(sender: Sender, key: AeadKey, high: number, low: number): Life {
    sender.life?.key.close();
    sender.epochHigh = high;
    sender.epochLow = low;
    sender.life = { key, window: new ReplayWindow() };
    return sender.life;
  }

  function accept(keys: readonly GroupKey[]): void {
    const before = slots;
    slots = keys.map((key) => {
      const known = before.find(({ key: { fingerprint } }) => fingerprint === key.fingerprint);
      return { key, senders: known?.senders ?? sendersOf(key) };
    });
    if (keys.length > 0) heard?.retain(keys.map(({ fingerprint }) => fingerprint));
    for (const { senders } of before) {
      if (slots.some((slot) => slot.senders === senders)) continue;
      for (const { life } of senders.values()) life?.key.close();
    }
  }

  return {
    open(datagram, from) {
      const refusal = checkFrame(datagram, expected);
      if (refusal !== undefined) return refusal;
      const slot = slots.find(({ key }) => key.id === datagram[3]);
      if (slot === undefined) return 'unknown-key';
      const sender = readU32(datagram, 4) === from ? slot.senders.get(from) : undefined;
      if (sender === undefined) return 'sender';
      const low = readU32(datagram, 8);
      const high = readU32(datagram, 12);
      const age = high - sender.epochHigh || low - sender.epochLow;
      if (age < 0) return 'old-epoch';
      const counter = readU32(datagram, COUNTER_AT);
      const known = age > 0 ? undefined : sender.life;
      if (known !== undefined && !known.window.isFresh(counter)) return 'replay';
      const textBytes = datagram.length - SEAL_OVERHEAD_BYTES;
      const key = known?.key ?? keyOf(slot.key, from, high, low);
      frame.set(datagram);
      if (!key.open(counter, textBytes)) {
        if (known === undefined) key.close();
        return 'wrong-key';
      }
      const { window } = known ?? begin(sender, key, high, low);
      if (known === undefined) heard?.heard(slot.key.fingerprint, from, epochOf(high, low));
      window.mark(counter);
      return { packet: frame.subarray(HEADER_BYTES, HEADER_BYTES + textBytes), key: slot.key };
    },
    accept,
    close: () => accept([]),
  };
}

/** Whether this begins like a sealed packet, which none in the clear does. */
export function isSealed(datagram: Uint8Array): boolean {
  return datagram[0] === MAGIC_0 && datagram[1] === MAGIC_1;
}

/** What can be seen without any key. */
function checkFrame(datagram: Uint8Array, expected: number): Refusal | undefined {
  if (!isSealed(datagram)) return 'unsealed';
  if (datagram.length < SEAL_OVERHEAD_BYTES || datagram.length > DATAGRAM_BYTES_MAX) {
    return 'malformed';
  }
  if ((datagram[2]! & 0x0f) !== VERSION) return 'version';
  if (datagram[2] !== expected) return 'cipher';
  return readU32(datagram, COUNTER_AT + 4) === 0 ? undefined : 'malformed';
}

function epochOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
