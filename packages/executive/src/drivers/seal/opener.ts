/**
 * Opens sealed packets of the configured nodes, or says why not. Everything before the tag is checked costs
 * little and changes nothing; a sender's newer epoch counts from the first packet that authenticates.
 * State is bounded: per accepted key (two) and configured node one epoch, one key and one window.
 */
import { createDecipheriv, type DecipherGCM, type KeyObject } from 'node:crypto';
import type { SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';
import {
  COUNTER_AT,
  HEADER_BYTES,
  MAGIC_0,
  MAGIC_1,
  NONCE_BYTES,
  NONCE_COUNTER_AT,
  readU32,
  senderKey,
  TAG_BYTES,
  VERSION,
  versionByte,
} from './format.ts';
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
  /** @param from the node whose address it came from. */
  open(datagram: Uint8Array, from: number): Opened;
  /** Exactly these keys count from now on; what is known of senders under others is forgotten. */
  accept(keys: readonly GroupKey[]): void;
}

/** What is known of one sender under one key. Epoch 0 is never used. */
interface Sender {
  epochHigh: number;
  epochLow: number;
  key: KeyObject | undefined;
  window: ReplayWindow;
}

interface Slot {
  readonly key: GroupKey;
  readonly senders: ReadonlyMap<number, Sender>;
}

export function createOpener(cipher: SealCipher, nodeIds: readonly number[]): Opener {
  const expected = versionByte(cipher);
  const nonce = Buffer.alloc(NONCE_BYTES);
  const cipherOptions = { authTagLength: TAG_BYTES };
  let slots: readonly Slot[] = [];

  function authenticate(
    datagram: Uint8Array,
    counter: number,
    key: KeyObject,
  ): Uint8Array | undefined {
    nonce.writeUInt32LE(counter, NONCE_COUNTER_AT);
    const end = datagram.length - TAG_BYTES;
    // Both ciphers have the interface of GCM.
    const box = createDecipheriv(cipher as 'aes-256-gcm', key, nonce, cipherOptions) as DecipherGCM;
    box.setAAD(datagram.subarray(0, HEADER_BYTES));
    box.setAuthTag(datagram.subarray(end));
    const packet = box.update(datagram.subarray(HEADER_BYTES, end));
    try {
      box.final();
      return packet;
    } catch {
      return undefined;
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
      const isNew = age > 0 || sender.key === undefined;
      if (!isNew && !sender.window.isFresh(counter)) return 'replay';
      const epoch = (BigInt(high) << 32n) | BigInt(low);
      const key = isNew ? senderKey(slot.key, cipher, from, epoch) : sender.key!;
      const packet = authenticate(datagram, counter, key);
      if (packet === undefined) return 'wrong-key';
      if (isNew) {
        sender.epochHigh = high;
        sender.epochLow = low;
        sender.key = key;
        sender.window = new ReplayWindow();
      }
      sender.window.mark(counter);
      return { packet, key: slot.key };
    },
    accept(keys) {
      slots = keys.map((key) => {
        const known = slots.find(({ key: { fingerprint } }) => fingerprint === key.fingerprint);
        return { key, senders: known?.senders ?? unknownSenders(nodeIds) };
      });
    },
  };
}

/** Whether this begins like a sealed packet, which none in the clear does. */
export function isSealed(datagram: Uint8Array): boolean {
  return datagram[0] === MAGIC_0 && datagram[1] === MAGIC_1;
}

/** What can be seen without any key. */
function checkFrame(datagram: Uint8Array, expected: number): Refusal | undefined {
  if (!isSealed(datagram)) return 'unsealed';
  if (datagram.length < HEADER_BYTES + TAG_BYTES) return 'malformed';
  if ((datagram[2]! & 0x0f) !== VERSION) return 'version';
  if (datagram[2] !== expected) return 'cipher';
  return readU32(datagram, COUNTER_AT + 4) === 0 ? undefined : 'malformed';
}

function unknownSenders(nodeIds: readonly number[]): ReadonlyMap<number, Sender> {
  return new Map(
    nodeIds.map((id) => [
      id,
      { epochHigh: 0, epochLow: 0, key: undefined, window: new ReplayWindow() },
    ]),
  );
}
