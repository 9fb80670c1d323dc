/** What an ordered event's handlers see: the same on every node, but for who is told. */
import type {
  CallbackOptions,
  ClientRef,
  ExecContext,
  Reply,
  Source,
  Undo,
  View,
} from '../contract.ts';
import type { ClientTable } from './clients.ts';
import type { Doubt } from './doubt.ts';
import type { Replica } from './replica.ts';

/** Where and when an event happened. */
type Place = Pick<ExecContext, 'view' | 'order' | 'time'> & Partial<Pick<ExecContext, 'steady'>>;

export class EventContext implements ExecContext {
  readonly view: View;
  readonly order: bigint;
  readonly time: bigint;
  readonly steady: bigint;
  readonly version: number;
  readonly #clients: ClientTable;
  readonly #doubt: Doubt;

  constructor(place: Place, clients: ClientTable, doubt: Doubt, version = 1) {
    const { view, order, time, steady = 0n } = place;
    this.view = view;
    this.order = order;
    this.time = time;
    this.steady = steady;
    this.version = version;
    this.#clients = clients;
    this.#doubt = doubt;
  }

  /** The same event, as this service's handlers see it. */
  of({ version }: Replica): EventContext {
    if (version === this.version) return this;
    return new EventContext(this, this.#clients, this.#doubt, version);
  }

  reply(source: Source, reply: Reply): void {
    const client = this.#clients.get(source);
    if (client !== undefined) this.#doubt.reply(client, source.request, reply);
  }

  replyWhenCertain(source: Source, confirmed: Reply, doubtful: Reply, undo?: Undo): void {
    const client = this.#clients.get(source);
    const promised = { confirmed, doubtful, undo };
    if (client !== undefined) this.#doubt.promise(client, source.request, promised);
  }

  callback(client: ClientRef, name: string, payload: unknown, options?: CallbackOptions): void {
    const known = this.#clients.get(client);
    if (known !== undefined) this.#doubt.callback(known, name, payload, options);
  }
}
