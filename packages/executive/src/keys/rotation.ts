/**
 * How a running cluster changes its key (totem-wire §6): everything is decided by messages of the total order
 * and by configurations, so every member decides alike and there is no coordinator to lose.
 *
 * `load` makes all members accept the key of their key file; each tells its `state`. Whoever has delivered the
 * acceptance of all members sends with the new key and tells that; whoever has delivered that from all drops
 * the old one. A new configuration starts the counting again. One `failed` ends it, while nobody sends with
 * the new key yet. A node that missed the change takes the new key from its key file when it hears of it, and
 * when all of its own ring have it, starts the same rotation there (ADR 0223).
 */
import type { Group, GroupMessaging } from '@aisexec/totem';
import { type GroupKey, keyName } from '../key-file.ts';
import { KEY_REASON_CHARS_MAX } from '../limits.ts';
import type { KeyRing } from './key-ring.ts';
import {
  decodeKeyMessage,
  encodeKeyMessage,
  KEY_GROUP,
  type KeyMessage,
  type KeyState,
} from './messages.ts';

export interface RotationOptions {
  readonly messaging: GroupMessaging;
  readonly ring: KeyRing;
  /** What the key file holds now, or why it cannot be had. */
  readonly readFile: () => GroupKey | string;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** JSON-safe. */
export interface RotationStatus {
  /** `id:fingerprint` of the key to send with. */
  readonly sending: string;
  /** Accepted besides. */
  readonly next: string | null;
  readonly previous: string | null;
  /** `loading`: not all members accept the new key yet; `changing`: not all send with it yet. */
  readonly state: 'idle' | 'loading' | 'changing';
  /** Members that have not confirmed the present step. */
  readonly waitingFor: readonly number[];
  /** How the last one ended that this node saw. */
  readonly last: RotationEnd | null;
}

export interface RotationEnd {
  readonly rotation: number;
  readonly key: string;
  readonly outcome: 'done' | 'failed';
  readonly node?: number;
  readonly reason?: string;
}

/** The number of a rotation that was started, with its key; or why none was. */
export type RotationStart =
  | { readonly rotation: number; readonly key: string; readonly refused?: undefined }
  | { readonly refused: string };

export interface Rotation {
  /** Has all members change to the key that their key file holds now. */
  rotate(): RotationStart;
  /** A packet came that is sealed with another accepted key than the one to send with. */
  heardOther(key: GroupKey): void;
  /**
   * A packet came whose key id is not accepted here: perhaps this node was cut off while the others changed
   * their key, and its key file has the new one. Reads the file, so not to be called for every packet.
   */
  heardUnknown(keyId: number): void;
  status(): RotationStatus;
}

export function createRotation(options: RotationOptions): Rotation {
  const { messaging, ring, readFile, trace } = options;
  const self = messaging.nodeId;
  let members: readonly number[] = [self];
  const states = new Map<number, KeyState>();
  /** Highest number of a rotation that was seen: the next one is higher, so late messages count for none. */
  let newest = ring.other?.rotation ?? 0;
  /** Highest number of one that failed: what is still said of it counts for nothing. */
  let failed = 0;
  let last: RotationEnd | null = null;
  /** What the queue did not take: of failures the latest is enough, the state is told as it is by then. */
  let unsent: KeyMessage | undefined;
  let isStateUnsent = false;
  /** This node has asked for a `load` in this configuration without being told to: once is enough. */
  let hasFollowed = false;

  const group: Group = messaging.join(KEY_GROUP, {
    deliver({ source, bytes }) {
      const message = decodeKeyMessage(bytes);
      if (message === undefined) trace('drop-message', { reason: 'no key message', source });
      else apply(message, source);
    },
    configuration(configuration) {
      if (configuration.type !== 'regular') return;
      members = configuration.members;
      states.clear();
      hasFollowed = false;
      tellState();
    },
    drained() {
      const message = unsent;
      unsent = undefined;
      if (message !== undefined) send(message);
      if (isStateUnsent) tellState();
    },
  });

  function send(message: KeyMessage): void {
    if (!group.multicast([encodeKeyMessage(message)], 'agreed')) unsent = message;
  }

  function stateNow(): KeyState {
    const { sending, other } = ring;
    const next =
      other?.role === 'next' ? { key: other.key.fingerprint, rotation: other.rotation } : null;
    return { type: 'state', sending: sending.fingerprint, next, failed };
  }

  function tellState(): void {
    isStateUnsent = !group.multicast([encodeKeyMessage(stateNow())], 'agreed');
  }

  function apply(message: KeyMessage, source: number): void {
    if (message.type === 'load') {
      if (message.rotation > failed) enter(message.key, message.rotation, 'asked');
      else if (source === self) {
        hasFollowed = false;
        overtaken(message.rotation, message.key);
      }
    } else if (message.type === 'failed') giveUp(message, source);
    else {
      states.set(source, message);
      if (message.failed > failed) forget(message.failed);
      // Somebody came from a rotation that this node has not heard of.
      const { next } = message;
      if (next !== null && next.rotation > failed) enter(next.key, next.rotation, 'told');
    }
    proceed();
  }

  /** Whether nothing is to be done about a rotation that somebody is in. */
  function isKnown(fingerprint: string, rotation: number): boolean {
    const { sending, other, retired } = ring;
    if (sending.fingerprint === fingerprint) return true;
    if (retired.includes(fingerprint)) return true;
    return (
      other?.role === 'next' && other.key.fingerprint === fingerprint && other.rotation >= rotation
    );
  }

  /** A rotation to this key goes on. */
  function enter(key: string, rotation: number, how: 'asked' | 'told'): void {
    newest = Math.max(newest, rotation);
    supersede(key);
    if (how === 'asked' || !isKnown(key, rotation)) load(key, rotation);
    const { other } = ring;
    if (other?.role === 'next' && other.key.fingerprint !== key) tellState();
  }

  /** What a member told of another next key no longer counts: it may give that up at this place of the order. */
  function supersede(key: string): void {
    for (const [node, state] of states) {
      if (state.next !== null && state.next.key !== key) states.set(node, { ...state, next: null });
    }
  }

  function load(fingerprint: string, rotation: number): void {
    const { sending, other } = ring;
    if (sending.fingerprint === fingerprint) {
      tellState();
      return;
    }
    const isNext = other?.role === 'next' && other.key.fingerprint === fingerprint;
    if (isNext && other.rotation >= rotation) return;
    const why = isNext ? ring.stage(other.key, rotation) : loadFile(fingerprint, rotation);
    if (why === undefined) {
      trace('key-loaded', { key: nameOf(fingerprint), rotation });
      tellState();
    } else {
      const reason = why.slice(0, KEY_REASON_CHARS_MAX);
      send({ type: 'failed', rotation, key: fingerprint, reason });
    }
  }

  /** @returns why not. */
  function loadFile(fingerprint: string, rotation: number): string | undefined {
    const { other } = ring;
    if (other?.role === 'next' && mayBeUsed(other.key)) {
      return `a member may send with key ${keyName(other.key)}, which is accepted besides`;
    }
    const file = readFile();
    if (typeof file === 'string') return file;
    if (file.fingerprint !== fingerprint) return `its key file has key ${keyName(file)}`;
    return ring.stage(file, rotation);
  }

  /** Whether another member of this ring sends with a key, or has not told yet that it does not (ADR 0226). */
  function mayBeUsed({ fingerprint }: GroupKey): boolean {
    return members.some((node) => {
      const state = states.get(node);
      return node !== self && (state === undefined || state.sending === fingerprint);
    });
  }

  /** With its id where it is known here. */
  function nameOf(fingerprint: string): string {
    const { other } = ring;
    return other?.key.fingerprint === fingerprint ? keyName(other.key) : fingerprint;
  }

  function giveUp(
    { rotation, key, reason }: Extract<KeyMessage, { type: 'failed' }>,
    node: number,
  ) {
    if (rotation <= failed) return;
    const name = nameOf(key);
    forget(rotation);
    last = { rotation, key: name, outcome: 'failed', node, reason };
    trace('key-rotation-failed', { key: name, rotation, from: node, reason });
  }

  /** This rotation and all before it have failed. A key that a member came to send with alone is still accepted. */
  function forget(rotation: number): void {
    failed = rotation;
    newest = Math.max(newest, rotation);
    const { other } = ring;
    if (other?.role === 'next' && other.rotation > 0 && other.rotation <= rotation) {
      if (mayBeUsed(other.key)) ring.stage(other.key, 0);
      else ring.unstage();
      overtaken(other.rotation, keyName(other.key));
    }
    tellState();
  }

  function overtaken(rotation: number, key: string): void {
    const reason = 'another rotation failed meanwhile: again';
    last = { rotation, key, outcome: 'failed', node: self, reason };
  }

  /** Whether all members, this one included, have said so in the present configuration. */
  function all(says: (state: KeyState) => boolean): boolean {
    return waiting(says).length === 0;
  }

  function waiting(says: (state: KeyState) => boolean): readonly number[] {
    return members.filter((node) => {
      const state = states.get(node);
      return state === undefined || !says(state);
    });
  }

  function accepts(rotation: number, { key }: { readonly key: GroupKey }) {
    return ({ sending, next }: KeyState): boolean =>
      sending === key.fingerprint ||
      (next !== null && next.key === key.fingerprint && next.rotation >= rotation);
  }

  const sendsSame = ({ sending }: KeyState): boolean => sending === ring.sending.fingerprint;

  function proceed(): void {
    const { other } = ring;
    // Only the newest: of an older one a member may know already that it cannot.
    const isNewest = other?.role === 'next' && other.rotation > failed && other.rotation === newest;
    if (isNewest && all(accepts(other.rotation, other))) advance();
    else if (other?.role === 'previous' && all(sendsSame)) {
      const key = keyName(ring.sending);
      ring.retire();
      const rotation = other.rotation;
      last = { rotation, key, outcome: 'done' };
      trace('key-rotated', { key, dropped: keyName(other.key), rotation });
    }
  }

  function advance(): void {
    ring.advance();
    trace('key-changed', { key: keyName(ring.sending) });
    tellState();
  }

  function start(key: GroupKey): RotationStart {
    const rotation = newest + 1;
    const message: KeyMessage = { type: 'load', rotation, key: key.fingerprint };
    if (!group.multicast([encodeKeyMessage(message)], 'agreed')) {
      return { refused: 'the ring takes no messages at the moment: again in a moment' };
    }
    return { rotation, key: keyName(key) };
  }

  return {
    rotate() {
      const file = readFile();
      if (typeof file === 'string') return { refused: file };
      if (file.fingerprint === ring.sending.fingerprint) {
        return {
          refused:
            `the key file holds key ${keyName(file)}, which is in use: make a new one ` +
            '(aisctl keygen FILE), put it in the place of the key file on every node, then rotate',
        };
      }
      return start(file);
    },
    heardOther(key) {
      const { other } = ring;
      if (other?.role !== 'next' || other.key !== key) return;
      if (members.length === 1) advance();
      else if (other.rotation === 0 && !hasFollowed && all(accepts(0, other))) {
        hasFollowed = start(key).refused === undefined;
      }
    },
    heardUnknown(keyId) {
      const file = readFile();
      if (typeof file === 'string' || file.id !== keyId || ring.other !== undefined) return;
      if (ring.stage(file, 0) !== undefined) return;
      trace('key-loaded', { key: keyName(file), rotation: 0 });
      tellState();
    },
    status() {
      const { sending, other } = ring;
      const isNext = other?.role === 'next';
      const isLoading = isNext && other.rotation > 0;
      const isChanging = other?.role === 'previous';
      return {
        sending: keyName(sending),
        next: isNext ? keyName(other.key) : null,
        previous: isChanging ? keyName(other.key) : null,
        state: isLoading ? 'loading' : isChanging ? 'changing' : 'idle',
        waitingFor: isLoading
          ? waiting(accepts(other.rotation, other))
          : isChanging
            ? waiting(sendsSame)
            : [],
        last,
      };
    },
  };
}
