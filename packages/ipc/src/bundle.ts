/**
 * Many requests, replies or callbacks in one frame (docs/reference/ipc.md "Bundles", ADR 0206). A bundle is one
 * frame of its session: numbered, kept and sent again as a whole. Requests have no ids in it, they count on;
 * requests answered with a bare OK are told as ranges; an argument or payload that is bytes is no msgpack.
 *
 * The writer gathers what one turn of the event loop has to say and puts it where it stays; the reader takes
 * any bytes, makes no object per record and never throws.
 */
import { copyBytes, getU32, getU64, putU32, putU64, Slabs, utf8Length } from '@aisexec/ais';
import { decode, encode } from './codec.ts';
import {
  BATCH_BYTES_MAX,
  BUNDLE_NAMES_MAX,
  BUNDLE_RECORDS_MAX,
  CLIENT_REQUESTS_MAX,
  FRAME_BYTES_MAX,
} from './limits.ts';
import type { CallbackEncoder } from './outbox.ts';

/** Version of this format; named in hello and welcome. */
export const BUNDLE_VERSION = 1;
/** First byte of a bundle; no msgpack begins with it. */
export const BUNDLE_MARK = 0xc1;

const KIND = {
  request: 1,
  requestBytes: 2,
  reply: 3,
  done: 4,
  callback: 5,
  callbackBytes: 6,
} as const;

const DONE_BYTES = 13;
/** Kind, id, length of the reply. */
const REPLY_HEAD_BYTES = 13;
const NAME_BYTES_MAX = 255;
const GROWN_FROM_BYTES = 1_024;

/** An argument or a payload: msgpack, or bytes that need none. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly isBare: boolean;
}

/** @returns undefined for what msgpack cannot say. The bytes of bare content are the caller's. */
export function contentOf(value: unknown): Content | undefined {
  if (value instanceof Uint8Array) return { bytes: value, isBare: true };
  const bytes = encode(value);
  return bytes === undefined ? undefined : { bytes, isBare: false };
}

/** Makes records of callbacks that have to wait for their bundle; undefined for what no frame can hold. */
export function callbackRecords(): CallbackEncoder {
  let record: Uint8Array | undefined;
  const writer = new BundleWriter((body) => {
    record = body.subarray(1);
  });
  return (name, payload, priority) => {
    const content = contentOf(payload);
    if (content === undefined || !writer.callback(name, content, priority)) return undefined;
    writer.flush();
    return record;
  };
}

/** Gathers records; the bundle leaves when the turn ends, or when it is full. */
export class BundleWriter {
  readonly #send: (body: Uint8Array) => void;
  readonly #turnEnd = () => {
    this.#isScheduled = false;
    this.flush();
  };
  readonly #slabs = new Slabs();
  #bytes = new Uint8Array(0);
  #end = 0;
  #records = 0;
  #doneFrom = 0;
  #doneCount = 0;
  #isScheduled = false;

  /** @param send takes a body, which is its own from then on. */
  constructor(send: (body: Uint8Array) => void) {
    this.#send = send;
  }

  /** Bytes gathered and not yet sent. */
  get backlog(): number {
    return this.#end;
  }

  /** @returns false for what no frame can hold, or a name of more than 255 bytes. */
  request(fn: string, { bytes, isBare }: Content): boolean {
    const name = utf8Length(fn);
    if (!this.#begin(1 + 1 + name + 4, bytes.length, name)) return false;
    this.#putByte(isBare ? KIND.requestBytes : KIND.request);
    this.#putName(fn, name);
    this.#putBytes(bytes);
    return true;
  }

  /** @returns false for what no frame can hold. */
  callback(name: string, { bytes, isBare }: Content, priority: number): boolean {
    const length = utf8Length(name);
    if (!this.#begin(1 + 1 + 1 + length + 4, bytes.length, length)) return false;
    this.#putByte(isBare ? KIND.callbackBytes : KIND.callback);
    this.#putByte(priority);
    this.#putName(name, length);
    this.#putBytes(bytes);
    return true;
  }

  /** A record of {@link callbackRecords}. */
  append(record: Uint8Array): void {
    this.#begin(record.length, 0);
    copyBytes(record, 0, record.length, this.#bytes, this.#end);
    this.#end += record.length;
  }

  /** @returns false for what no frame can hold. */
  reply(id: number, bytes: Uint8Array): boolean {
    if (!this.#begin(REPLY_HEAD_BYTES, bytes.length)) return false;
    this.#putByte(KIND.reply);
    putU64(this.#bytes, this.#end, id);
    this.#end += 8;
    this.#putBytes(bytes);
    return true;
  }

  /** The request is answered with OK and nothing else; told with its neighbours, after what else is in the bundle. */
  done(id: number): void {
    if (this.#doneCount > 0 && id === this.#doneFrom + this.#doneCount) {
      this.#doneCount++;
      return;
    }
    this.#putDone();
    this.#begin(0, 0);
    this.#doneFrom = id;
    this.#doneCount = 1;
  }

  flush(): void {
    this.#putDone();
    if (this.#end === 0) return;
    const bytes = this.#bytes;
    const end = this.#end;
    this.#end = 0;
    this.#records = 0;
    // Memory is given away with what it holds; the next bundle is likely to be as large.
    const isFilled = end * 2 > bytes.length;
    if (isFilled) this.#bytes = memory(Math.min(bytes.length, BATCH_BYTES_MAX));
    this.#send(isFilled ? bytes.subarray(0, end) : this.#slabs.copy(bytes, 0, end));
  }

  /** Room for a record, in this bundle or the next. */
  #begin(head: number, content: number, name = 0): boolean {
    const bytes = head + content;
    if (1 + bytes + DONE_BYTES > FRAME_BYTES_MAX || name > NAME_BYTES_MAX) return false;
    const reserved = bytes + DONE_BYTES;
    const isFull = this.#end + reserved > BATCH_BYTES_MAX || this.#records >= BUNDLE_RECORDS_MAX;
    if (isFull && this.#records > 0) this.flush();
    this.#records++;
    const first = this.#end === 0;
    this.#reserve(1 + reserved);
    if (!first) return true;
    this.#bytes[this.#end++] = BUNDLE_MARK;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#turnEnd);
    }
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const doubled = Math.min(2 * this.#bytes.length, BATCH_BYTES_MAX);
    const grown = memory(Math.max(needed, doubled, GROWN_FROM_BYTES));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  #putByte(value: number): void {
    this.#bytes[this.#end++] = value;
  }

  #putName(name: string, length: number): void {
    this.#putByte(length);
    if (length !== name.length) this.#bytes.set(Buffer.from(name), this.#end);
    else for (let i = 0; i < length; i++) this.#bytes[this.#end + i] = name.charCodeAt(i);
    this.#end += length;
  }

  #putBytes(bytes: Uint8Array): void {
    putU32(this.#bytes, this.#end, bytes.length);
    copyBytes(bytes, 0, bytes.length, this.#bytes, this.#end + 4);
    this.#end += 4 + bytes.length;
  }

  #putDone(): void {
    if (this.#doneCount === 0) return;
    this.#putByte(KIND.done);
    putU64(this.#bytes, this.#end, this.#doneFrom);
    putU32(this.#bytes, this.#end + 8, this.#doneCount);
    this.#end += 12;
    this.#doneCount = 0;
  }
}

/** Not of Buffer's pool, which would be kept as long as the bundle; filled before anybody reads it. */
function memory(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

/** Takes the records of a bundle, in order; each returns false for what it does not expect. */
export interface BundleHandler {
  request(fn: string, argument: unknown): boolean;
  reply(id: number, reply: unknown): boolean;
  /** The requests `from` to `from + count - 1` are answered with OK. */
  done(from: number, count: number): boolean;
  callback(name: string, payload: unknown, priority: number): boolean;
}

/** Reads the bundles of one session. */
export class BundleReader {
  readonly #handler: BundleHandler;
  readonly #slabs = new Slabs();
  /** Names that came lately: the same few, again and again. */
  readonly #names: { readonly bytes: Uint8Array; readonly text: string }[] = [];
  #oldestName = 0;
  #body = new Uint8Array(0);
  #at = 0;

  constructor(handler: BundleHandler) {
    this.#handler = handler;
  }

  /** @param body valid during the call. @returns what is wrong with it; what stands before that has been taken. */
  read(body: Uint8Array): string | undefined {
    this.#body = body as Uint8Array<ArrayBuffer>;
    this.#at = 1;
    for (let records = 0; this.#at < body.length; records++) {
      if (records === BUNDLE_RECORDS_MAX) return `more than ${BUNDLE_RECORDS_MAX} records`;
      if (!this.#record(body[this.#at++]!)) return 'a record that is cut, unknown or out of place';
    }
    return this.#at === body.length ? undefined : 'a bundle that is cut';
  }

  #record(kind: number): boolean {
    switch (kind) {
      case KIND.request:
      case KIND.requestBytes: {
        const fn = this.#name();
        const content = this.#content(kind === KIND.requestBytes);
        return (
          fn !== undefined && content !== undefined && this.#handler.request(fn, content.value)
        );
      }
      case KIND.reply: {
        const id = this.#u64();
        const content = this.#content(false);
        return content !== undefined && this.#handler.reply(id, content.value);
      }
      case KIND.done: {
        const from = this.#u64();
        if (this.#left < 4) return false;
        const count = getU32(this.#body, this.#at);
        this.#at += 4;
        return count <= CLIENT_REQUESTS_MAX && this.#handler.done(from, count);
      }
      case KIND.callback:
      case KIND.callbackBytes: {
        const priority = this.#left > 0 ? this.#body[this.#at++]! : 0;
        const name = this.#name();
        const content = this.#content(kind === KIND.callbackBytes);
        if (name === undefined || content === undefined) return false;
        return this.#handler.callback(name, content.value, priority);
      }
      default:
        return false;
    }
  }

  get #left(): number {
    return this.#body.length - this.#at;
  }

  /** Of one that is cut nothing is left to read. */
  #u64(): number {
    const value = this.#left < 8 ? 0 : getU64(this.#body, this.#at);
    this.#at = Math.min(this.#at + 8, this.#body.length);
    return value;
  }

  #name(): string | undefined {
    const length = this.#left > 0 ? this.#body[this.#at++]! : 0;
    if (length > this.#left) return undefined;
    const from = this.#at;
    this.#at += length;
    for (const { bytes, text } of this.#names) {
      if (isAt(this.#body, from, length, bytes)) return text;
    }
    const bytes = this.#slabs.copy(this.#body, from, this.#at);
    const text = Buffer.from(bytes).toString();
    this.#names[this.#oldestName] = { bytes, text };
    this.#oldestName = (this.#oldestName + 1) % BUNDLE_NAMES_MAX;
    return text;
  }

  /** Bare bytes are copied: the body is overwritten by the next. */
  #content(isBare: boolean): { readonly value: unknown } | undefined {
    if (this.#left < 4) return undefined;
    const length = getU32(this.#body, this.#at);
    const from = this.#at + 4;
    if (length > this.#body.length - from) return undefined;
    this.#at = from + length;
    if (isBare) return { value: this.#slabs.copy(this.#body, from, this.#at) };
    return decode(this.#body.subarray(from, this.#at));
  }
}

function isAt(body: Uint8Array, from: number, length: number, bytes: Uint8Array): boolean {
  if (length !== bytes.length) return false;
  for (let i = 0; i < length; i++) if (body[from + i] !== bytes[i]) return false;
  return true;
}
