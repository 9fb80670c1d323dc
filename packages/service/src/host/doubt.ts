/**
 * What clients are told only when the next view has decided whether it is true. What is delivered between a
 * transitional and the next regular configuration may be known to this side of a partition only: a service that
 * promises more than that gives a second reply, and which of the two leaves is known when the next view
 * says whose history goes on (ADR 0045, ADR 0191). What a client is told behind such a reply waits with it: nobody hears
 * of the end of a lock before its beginning.
 */
import type { CallbackOptions, Reply, Undo } from '../contract.ts';
import type { Client, ClientTable } from './clients.ts';

/** The promise, and what leaves in its place. */
export interface Promised {
  readonly confirmed: Reply;
  readonly doubtful: Reply;
  readonly undo?: Undo | undefined;
}

/** Takes back, in the order and in the client's name, what was done and then denied. */
export type TakeBack = (client: Client, undo: Undo) => void;

type Held = (isConfirmed: boolean) => void;

export class Doubt {
  readonly #clients: ClientTable;
  readonly #takeBack: TakeBack;
  #held: Held[] = [];
  /** Clients with something in there. */
  readonly #waiting = new Set<Client>();
  #open = false;
  /** No regular configuration has come since the last transitional one. */
  #isTransitional = false;

  constructor(clients: ClientTable, takeBack: TakeBack) {
    this.#clients = clients;
    this.#takeBack = takeBack;
  }

  /** A configuration: a transitional one says that members of the old ring may be missing. */
  configuration(type: 'regular' | 'transitional'): void {
    this.#isTransitional = type === 'transitional';
    if (this.#isTransitional) this.#open = true;
  }

  promise(client: Client, request: number, { confirmed, doubtful, undo }: Promised): void {
    if (!this.#open) {
      this.#clients.reply(client, request, confirmed);
      return;
    }
    this.#hold(client, (isConfirmed) => {
      // Of a client that is gone everything is taken back anyway.
      const isThere = this.#clients.get(client.ref) === client && !client.stale;
      if (!isConfirmed && undo !== undefined && isThere) this.#takeBack(client, undo);
      this.#clients.reply(client, request, isConfirmed ? confirmed : doubtful);
    });
  }

  reply(client: Client, request: number, reply: Reply): void {
    if (this.#waiting.has(client)) {
      this.#hold(client, () => this.#clients.reply(client, request, reply));
    } else this.#clients.reply(client, request, reply);
  }

  callback(client: Client, name: string, payload: unknown, options?: CallbackOptions): void {
    if (this.#waiting.has(client)) {
      this.#hold(client, () => this.#clients.callback(client, name, payload, options));
    } else this.#clients.callback(client, name, payload, options);
  }

  /**
   * The next view, before it is told to anybody. One that came about in a transitional configuration may be this
   * side's alone: then a yes is for the view after it to say.
   *
   * @param isConfirmed it is quorate and goes on with this node's history.
   */
  end(isConfirmed: boolean): void {
    if (isConfirmed && this.#isTransitional) return;
    const held = this.#held;
    this.#open = this.#isTransitional;
    this.#held = [];
    this.#waiting.clear();
    for (const say of held) say(isConfirmed);
  }

  #hold(client: Client, say: Held): void {
    this.#held.push(say);
    this.#waiting.add(client);
  }
}
