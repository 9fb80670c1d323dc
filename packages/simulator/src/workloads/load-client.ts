/**
 * The client that every kind of node carries: sends uniquely numbered, hashed messages at the drawn rate, and
 * remembers which of its own have not come back.
 */
import { bytesHash } from '../hash.ts';
import { SIM_MESSAGES_PER_INCARNATION_MAX, SIM_OUTSTANDING_MESSAGES_MAX } from '../limits.ts';
import { messageId } from '../trace/record.ts';
import type { ProcessEnvironment } from '../world/process.ts';
import { drawPauseMs, drawSize, LOAD_TIMER, type LoadProfile } from './load.ts';
import { decodeMessage, encodeMessage, MESSAGE_HEAD_BYTES } from './message.ts';

/** 0 normal messages, 1 those of synchronisation. */
export type Stream = 0 | 1;

export interface LoadClientOptions {
  readonly environment: ProcessEnvironment;
  readonly load: LoadProfile;
  readonly bytesMax: number;
  /** Must not deliver before it returns. @returns false when there is no room: nothing was taken. */
  readonly submit: (stream: Stream, payload: Uint8Array, safe: boolean) => boolean;
}

export interface LoadClient {
  start(): void;
  /** The {@link LOAD_TIMER} fired. */
  timeout(): void;
  /** Off: one last message is sent, which must get through (L1), and then nothing more. */
  load(on: boolean): void;
  /** So many messages at once. */
  send(count: number, safe: boolean): void;
  /** One message of the sync stream. */
  sendSync(): void;
  /** Records a delivery. @returns the message id, 0 when it is none of ours. */
  delivered(
    source: number,
    payload: Uint8Array,
    ringId: { readonly rep: number; readonly seq: number },
    safe: boolean | undefined,
  ): number;
  /** All own messages came back. */
  readonly idle: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

const LAST_WORD_RETRY_MS = 20;

export function createLoadClient(options: LoadClientOptions): LoadClient {
  const { environment, load } = options;
  const { node, incarnation, random } = environment;
  const outstanding = new Set<number>();
  const counters: [number, number] = [0, 0];
  const counts = { sent: 0, delivered: 0, refused: 0 };
  let loading = true;
  let lastWordDue = false;

  const head = (): { time: number; node: number; incarnation: number } => ({
    time: environment.time,
    node,
    incarnation,
  });

  const submit = (stream: Stream, safe: boolean, bytes: number): boolean => {
    const counter = counters[stream] + 1;
    const id = messageId(node, incarnation, stream, counter);
    const { payload, hash } = encodeMessage(id, safe, bytes);
    if (counter > SIM_MESSAGES_PER_INCARNATION_MAX || !options.submit(stream, payload, safe)) {
      counts.refused += 1;
      return false;
    }
    counters[stream] = counter;
    environment.trace({ kind: 'send', ...head(), message: id, hash, safe });
    outstanding.add(id);
    counts.sent += 1;
    return true;
  };

  const schedule = (): void => {
    if (loading && load.rate > 0) environment.setTimer(LOAD_TIMER, drawPauseMs(load, random));
  };

  const sendLoad = (): void => {
    for (let i = 0; i < load.burst; i += 1) {
      if (outstanding.size >= SIM_OUTSTANDING_MESSAGES_MAX) break;
      submit(0, random.chance(load.safe), drawSize(load, options.bytesMax, random));
    }
    schedule();
  };

  const sendLastWord = (): void => {
    lastWordDue = !submit(0, false, MESSAGE_HEAD_BYTES);
    if (lastWordDue) environment.setTimer(LOAD_TIMER, LAST_WORD_RETRY_MS);
  };

  return {
    start: schedule,
    timeout: () => (loading ? sendLoad : sendLastWord)(),
    load(on) {
      if (on === loading) return;
      loading = on;
      if (on) schedule();
      else sendLastWord();
    },
    send(count, safe) {
      for (let i = 0; i < count; i += 1) submit(0, safe, MESSAGE_HEAD_BYTES);
    },
    sendSync() {
      submit(1, false, MESSAGE_HEAD_BYTES);
    },
    delivered(source, payload, ringId, safe) {
      const message = decodeMessage(payload);
      const id = message?.id ?? 0;
      environment.trace({
        kind: 'deliver',
        ...head(),
        ringId,
        source,
        message: id,
        hash: message?.hash ?? bytesHash(payload),
        safe: safe ?? message?.safe ?? false,
      });
      counts.delivered += 1;
      outstanding.delete(id);
      return id;
    },
    get idle() {
      return outstanding.size === 0 && !lastWordDue;
    },
    counts,
  };
}
