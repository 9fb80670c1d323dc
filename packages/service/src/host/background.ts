/**
 * Fetches in the background what a synchronisation left out (ADR 0126), and gives others what they ask for.
 *
 * Everything goes through the total order, as part of the services' history:
 *
 *     want   a node that lacks pieces asks one donor; at its place the donor notes their contents and everybody
 *            who lacks them begins to remember what is written to them
 *     fill   the donor's answer: contents as of the want's place. Whoever waits takes them, and what was
 *            written since on top
 *     lost   every member said that it lacks a piece: it is given up, at this place, by all
 *
 * All three name their ring and count only in it: a new view starts over with what is still missing.
 * A node has a bounded number of bytes on their way to it, so that clients' messages never wait long behind them.
 */
import type { BackgroundSync, ExecContext, View } from '../contract.ts';
import type { BackgroundOptions, TransferProgress } from '../host-contract.ts';
import { WANT_BYTES_MAX, WANT_PIECES_MAX, WANTS_MAX } from '../limits.ts';
import { type Schema, s } from '../schema.ts';
import { encodeEnvelope } from './envelope.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import { type Missing, Transfer } from './transfer.ts';

export interface BackgroundHostOptions {
  readonly nodeId: number;
  readonly replicas: ReadonlyMap<number, Replica>;
  readonly outbox: Outbox;
  /** Nodes that have a service's state at this place in the order. */
  readonly holders: (service: number) => readonly number[];
  readonly wallClock: () => bigint;
  readonly trace: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly limits: BackgroundOptions;
}

/** An ordered message of a node about one service's state. */
export interface BackgroundMessage {
  readonly service: number;
  readonly payload: unknown;
}

/** A want on its way to its fill. */
interface Flight {
  readonly service: number;
  readonly donor: number;
  /** The want's pieces; this node awaits those whose index is in `awaited`. */
  readonly pieces: readonly unknown[];
  readonly awaited: ReadonlySet<number>;
  /** What this node asked for; undefined: another one did. */
  readonly own: readonly Missing[] | undefined;
}

const ring = { rep: s.u32, seq: s.count };
const contents = (bytesMax: number) =>
  s.list(s.object({ index: s.count, content: s.nullable(s.bytes(bytesMax)) }), WANT_PIECES_MAX);

export class Background {
  readonly #options: BackgroundHostOptions;
  readonly #wantBytes: number;
  readonly #wants: number;
  readonly #transfers = new Map<number, Transfer>();
  /** By the place of the want. */
  readonly #flights = new Map<bigint, Flight>();
  /** Fills that wait for room. */
  #outgoing: Uint8Array[] = [];
  #view: View | undefined;
  readonly #bytes = { fetched: 0, given: 0 };

  constructor(options: BackgroundHostOptions) {
    this.#options = options;
    this.#wantBytes = options.limits.wantBytes ?? WANT_BYTES_MAX;
    this.#wants = options.limits.wants ?? WANTS_MAX;
  }

  /** A configuration change: nothing that is on its way counts any more. */
  pause(): void {
    for (const [asked, { service, pieces, awaited }] of this.#flights) {
      const replica = this.#options.replicas.get(service);
      replica?.fill('settle', (state) => {
        for (const index of awaited) {
          replica.definition.sync.background?.settle(state, pieces[index], asked, undefined);
        }
      });
    }
    this.#flights.clear();
    this.#outgoing = [];
    this.#view = undefined;
  }

  /**
   * A synchronised view.
   *
   * @param replaced services whose state was exchanged; others lack what they lacked before.
   * @param holders by service, nodes that came with a state: asked first.
   */
  begin(
    view: View,
    replaced: ReadonlySet<number>,
    holders: (service: number) => readonly number[],
  ): void {
    this.#view = view;
    for (const [id, replica] of this.#options.replicas) {
      const isSought = replaced.has(id) || this.#transfers.has(id);
      if (isSought && replica.running) this.seek(replica, holders(id));
      else this.#transfers.delete(id);
    }
  }

  /** Fetches what one service's state lacks, from these nodes first; in vain while there is no view. */
  seek(replica: Replica, holders: readonly number[]): void {
    const { background } = replica.definition.sync;
    if (background === undefined || this.#view === undefined) return;
    const others = this.#view.members
      .map(({ nodeId }) => nodeId)
      .filter((node) => node !== this.#options.nodeId);
    const first = holders.filter((node) => others.includes(node));
    const donors = [...first, ...others.filter((node) => !first.includes(node))];
    const since = this.#transfers.get(replica.id)?.since ?? this.#options.wallClock();
    this.#scan(replica, background, new Transfer(replica, donors, since));
  }

  /** One of our messages, at its place in the order. */
  apply({ service, payload }: BackgroundMessage, source: number, ctx: ExecContext): void {
    const replica = this.#options.replicas.get(service);
    const background = replica?.definition.sync.background;
    const { ringId } = ctx.view;
    if (replica === undefined || background === undefined) return;
    const named = s.object(ring);
    if (!named.check(payload) || payload.rep !== ringId.rep || payload.seq !== ringId.seq) return;
    const pieces = s.list(background.piece as Schema<unknown>, WANT_PIECES_MAX);
    const want = s.object({ want: s.u32, pieces });
    const fill = s.object({ fill: s.u64, contents: contents(background.pieceBytesMax) });
    const lost = s.object({ lost: pieces });
    if (want.check(payload)) {
      this.#want(replica, background, source, payload.want, payload.pieces, ctx.order);
    } else if (fill.check(payload)) {
      const found = new Map(payload.contents.map(({ index, content }) => [index, content]));
      this.#fill(replica, background, source, payload.fill, found);
    } else if (lost.check(payload)) {
      this.#lost(replica, background, source, payload.lost, ctx);
    }
  }

  /** Ordered: a node does not run the service, any more. What it was asked for it lacks. */
  left(service: number, node: number): void {
    const replica = this.#options.replicas.get(service);
    const background = replica?.definition.sync.background;
    if (replica === undefined || background === undefined) return;
    for (const [asked, { service: of, donor, pieces }] of [...this.#flights]) {
      if (of !== service || donor !== node) continue;
      const nothing = new Map(pieces.map((_, index) => [index, null]));
      this.#fill(replica, background, node, asked, nothing);
    }
  }

  /** A reader waits for this piece. @returns false: no member here has it. */
  fetchFirst(service: number, piece: unknown): boolean {
    const transfer = this.#transfers.get(service);
    if (transfer === undefined || transfer.waiting) return false;
    transfer.first(piece);
    this.pump();
    return true;
  }

  /** Sends what there is to send and room for, at most `messages`. */
  pump(messages = Number.POSITIVE_INFINITY): void {
    for (let sent = 0; sent < messages && !this.#options.outbox.blocked; sent++) {
      const bytes = this.#view === undefined ? undefined : this.#next();
      if (bytes === undefined) return;
      this.#options.outbox.push(bytes, 'agreed');
    }
  }

  /** Whether contents of this service are still to come. */
  isLacking(service: number): boolean {
    return this.#transfers.has(service);
  }

  /** Counters of what came and went, and how much is still to come. */
  stats(): Readonly<Record<string, number>> {
    let transferBytesLeft = 0;
    for (const transfer of this.#transfers.values()) transferBytesLeft += transfer.bytesLeft;
    const { fetched: transferBytesFetched, given: transferBytesGiven } = this.#bytes;
    return { transferBytesLeft, transferBytesFetched, transferBytesGiven };
  }

  progress(): readonly TransferProgress[] {
    return [...this.#transfers.values()].map((transfer) => transfer.progress());
  }

  #want(
    replica: Replica,
    background: BackgroundSync<unknown, unknown>,
    source: number,
    donor: number,
    pieces: readonly unknown[],
    asked: bigint,
  ): void {
    const { nodeId } = this.#options;
    const transfer = this.#transfers.get(replica.id);
    const own = source === nodeId ? transfer?.delivered() : undefined;
    // The same judgement everywhere: who has no state at this place will not answer.
    const holds = this.#options.holders(replica.id).includes(donor);
    if (donor === nodeId) {
      if (holds) this.#give(replica, background, pieces, asked);
    } else if (transfer !== undefined) {
      const awaited = new Set<number>();
      replica.fill('awaits', (state) => {
        for (const [index, piece] of pieces.entries()) {
          if (background.awaits(state, piece, asked)) awaited.add(index);
        }
      });
      this.#flights.set(asked, { service: replica.id, donor, pieces, awaited, own });
      if (!holds) this.left(replica.id, donor);
    }
  }

  /** Notes the contents at this place; what does not fit into one answer has to be asked for again. */
  #give(
    replica: Replica,
    background: BackgroundSync<unknown, unknown>,
    pieces: readonly unknown[],
    asked: bigint,
  ): void {
    const found: { index: number; content: Uint8Array | null }[] = [];
    let bytes = 0;
    for (const [index, piece] of pieces.entries()) {
      if (bytes >= this.#wantBytes) break;
      const content = replica.guard('give', () => background.give(replica.state, piece)) ?? null;
      found.push({ index, content });
      bytes += content?.length ?? 0;
    }
    this.#bytes.given += bytes;
    this.#outgoing.push(this.#encode(replica, { fill: asked, contents: found }));
  }

  #fill(
    replica: Replica,
    background: BackgroundSync<unknown, unknown>,
    source: number,
    asked: bigint,
    found: ReadonlyMap<number, Uint8Array | null>,
  ): void {
    const flight = this.#flights.get(asked);
    const transfer = this.#transfers.get(replica.id);
    if (flight?.donor !== source || flight.service !== replica.id) return;
    this.#flights.delete(asked);
    replica.fill('settle', (state) => {
      for (const index of flight.awaited) {
        const content = found.get(index) ?? undefined;
        background.settle(state, flight.pieces[index], asked, content);
        if (content === undefined) continue;
        transfer?.came(content.length);
        this.#bytes.fetched += content.length;
      }
    });
    if (flight.own === undefined || transfer === undefined) {
      this.#rescan(replica, background);
      return;
    }
    for (const [index, missing] of flight.own.entries()) {
      if (!flight.awaited.has(index)) continue;
      const content = found.get(index);
      if (content === undefined) transfer.again(missing, missing.tried);
      else if (content === null) transfer.again(missing, missing.tried + 1);
    }
    transfer.settled();
    this.#rescan(replica, background);
  }

  #lost(
    replica: Replica,
    background: BackgroundSync<unknown, unknown>,
    source: number,
    pieces: readonly unknown[],
    ctx: ExecContext,
  ): void {
    let count = 0;
    replica.change('lost', (state) => {
      for (const piece of pieces) if (background.lost(state, piece, ctx)) count++;
    });
    if (count > 0) this.#options.trace('state-lost', { service: replica.name, pieces: count });
    if (source === this.#options.nodeId) this.#transfers.get(replica.id)?.gaveUp();
    this.#rescan(replica, background);
  }

  /** When nothing is under way any more: what was overlooked, or done. */
  #rescan(replica: Replica, background: BackgroundSync<unknown, unknown>): void {
    const transfer = this.#transfers.get(replica.id);
    if (transfer === undefined || !transfer.isIdle) return;
    for (const { service } of this.#flights.values()) if (service === replica.id) return;
    this.#scan(replica, background, transfer);
  }

  #scan(replica: Replica, background: BackgroundSync<unknown, unknown>, transfer: Transfer): void {
    const isNew = this.#transfers.get(replica.id) !== transfer;
    const wasLacking = this.#transfers.delete(replica.id);
    replica.guard('lacking', () => transfer.scan(background.lacking(replica.state)));
    const { piecesTotal: pieces, bytesTotal: bytes } = transfer.progress();
    const detail = { service: replica.name, pieces, bytes, since: transfer.since };
    if (transfer.isIdle) {
      if (wasLacking) this.#options.trace('transfer-done', detail);
      return;
    }
    this.#transfers.set(replica.id, transfer);
    if (isNew) this.#options.trace('transfer-start', detail);
  }

  #next(): Uint8Array | undefined {
    const fill = this.#outgoing.shift();
    if (fill !== undefined) return fill;
    for (const [id, transfer] of this.#transfers) {
      const replica = this.#options.replicas.get(id)!;
      const { background } = replica.definition.sync;
      if (background === undefined || !replica.running) {
        this.#transfers.delete(id);
        continue;
      }
      const given = transfer.giveUp(this.#view!.quorate, WANT_PIECES_MAX);
      if (given.length > 0) return this.#encode(replica, { lost: given });
      if (transfer.underWay >= this.#wants) continue;
      const next = transfer.take(this.#wantBytes, WANT_PIECES_MAX, (piece) =>
        replica.guard('give', () => background.give(replica.state, piece) === undefined),
      );
      if (next !== undefined) return this.#encode(replica, { ...next });
      this.#rescan(replica, background);
    }
    return undefined;
  }

  #encode(replica: Replica, what: Readonly<Record<string, unknown>>): Uint8Array {
    const { ringId } = this.#view!;
    return encodeEnvelope({
      kind: 'background',
      service: replica.id,
      time: this.#options.wallClock(),
      payload: { rep: ringId.rep, seq: ringId.seq, ...what },
    });
  }
}
