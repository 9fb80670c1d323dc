/** What this node still lacks of one service's state, who is asked for it next, and how far it has come. */
import type { TransferProgress } from '../host-contract.ts';
import { HURRIED_PIECES_MAX } from '../limits.ts';
import type { Replica } from './replica.ts';

/** A piece that is missing. */
export interface Missing {
  readonly piece: unknown;
  readonly bytes: number;
  /** How many of the donors said that they lack it, too: the next one is asked. */
  readonly tried: number;
}

/** Pieces to ask one donor for. */
export interface Want {
  readonly want: number;
  readonly pieces: readonly unknown[];
}

export class Transfer {
  readonly since: bigint;
  readonly #replica: Replica;
  readonly #donors: readonly number[];
  /** To be asked for, the next one last. */
  #queue: Missing[] = [];
  /** What readers wait for, by name: asked for first, and not counted when its turn comes again. */
  readonly #hurried = new Set<string>();
  /** No donor has them. */
  #lost: Missing[] = [];
  /** Asked for; not yet ordered. */
  #sent: (readonly Missing[])[] = [];
  #inFlight = 0;
  #givenUp = 0;
  #bytesTotal = 0;
  #bytesDone = 0;
  #piecesTotal = 0;
  #piecesDone = 0;

  /** @param donors the other members, in the order in which they are asked. */
  constructor(replica: Replica, donors: readonly number[], since: bigint) {
    this.#replica = replica;
    this.#donors = donors;
    this.since = since;
  }

  /** Looks for everything anew. */
  scan(lacking: Iterable<{ readonly piece: unknown; readonly bytes: number }>): void {
    const queue: Missing[] = [];
    let bytes = 0;
    for (const { piece, bytes: size } of lacking) {
      queue.push({ piece, bytes: size, tried: 0 });
      bytes += size;
    }
    this.#queue = queue.reverse();
    this.#hurried.clear();
    if (this.#piecesTotal > 0) return;
    this.#piecesTotal = queue.length;
    this.#bytesTotal = bytes;
  }

  /** Asks for a piece before the others, once. */
  first(piece: unknown): void {
    const name = JSON.stringify(piece);
    if (this.#hurried.has(name) || this.#hurried.size >= HURRIED_PIECES_MAX) return;
    this.#hurried.add(name);
    this.#queue.push({ piece, bytes: 0, tried: 0 });
  }

  /** Nothing is asked for and nothing is left to ask for. */
  get isIdle(): boolean {
    return this.#queue.length + this.#lost.length + this.underWay + this.#givenUp === 0;
  }

  /** Requests without an answer. */
  get underWay(): number {
    return this.#sent.length + this.#inFlight;
  }

  /** The next request. @param lacks whether this replica (still) lacks a piece. */
  take(
    bytesMax: number,
    piecesMax: number,
    lacks: (piece: unknown) => boolean | undefined,
  ): Want | undefined {
    const batch: Missing[] = [];
    let bytes = 0;
    for (let next = this.#queue.at(-1); next !== undefined; next = this.#queue.at(-1)) {
      if (lacks(next.piece) !== true) {
        this.#queue.pop();
        const isCounted = this.#hurried.size > 0 && this.#hurried.has(JSON.stringify(next.piece));
        if (!isCounted) this.came(next.bytes);
        continue;
      }
      if (next.tried >= this.#donors.length) {
        this.#lost.push(this.#queue.pop()!);
        continue;
      }
      const tooMuch = batch.length === piecesMax || bytes + next.bytes > bytesMax;
      if (batch.length > 0 && (tooMuch || next.tried !== batch[0]!.tried)) break;
      batch.push(this.#queue.pop()!);
      bytes += next.bytes;
    }
    if (batch.length === 0) return undefined;
    this.#sent.push(batch);
    return { want: this.#donors[batch[0]!.tried]!, pieces: batch.map(({ piece }) => piece) };
  }

  /** Pieces to be given up by all, if that may be said here. */
  giveUp(isQuorate: boolean, piecesMax: number): readonly unknown[] {
    if (!isQuorate || this.#lost.length === 0) return [];
    this.#givenUp++;
    return this.#lost.splice(0, piecesMax).map(({ piece }) => piece);
  }

  /** Our oldest request was ordered. @returns what it asked for. */
  delivered(): readonly Missing[] | undefined {
    const batch = this.#sent.shift();
    if (batch !== undefined) this.#inFlight++;
    return batch;
  }

  /** A request of ours was answered. */
  settled(): void {
    this.#inFlight--;
  }

  /** The others know that we give up. */
  gaveUp(): void {
    this.#givenUp--;
  }

  /** A piece that did not come. */
  again({ piece, bytes }: Missing, tried: number): void {
    this.#queue.push({ piece, bytes, tried });
  }

  /** A piece is here. */
  came(bytes: number): void {
    this.#piecesDone++;
    this.#bytesDone += bytes;
  }

  get bytesLeft(): number {
    return Math.max(0, this.#bytesTotal - this.#bytesDone);
  }

  /** What is still missing no member here has. */
  get waiting(): boolean {
    return this.#lost.length > 0 && this.#queue.length + this.underWay + this.#givenUp === 0;
  }

  progress(): TransferProgress {
    return {
      service: this.#replica.name,
      bytesTotal: this.#bytesTotal,
      bytesDone: Math.min(this.#bytesDone, this.#bytesTotal),
      piecesTotal: this.#piecesTotal,
      piecesDone: Math.min(this.#piecesDone, this.#piecesTotal),
      since: this.since,
      waiting: this.waiting,
    };
  }
}
