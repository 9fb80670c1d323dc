/** What an ordered event's handlers see: the same on every node, but for who is told. */
import type { CallbackOptions, ClientRef, ExecContext, Reply, Source, View } from '../contract.ts';
import type { ClientTable } from './clients.ts';
import type { Doubt } from './doubt.ts';

export class EventContext implements ExecContext {
  readonly view: View;
  readonly order: bigint;
  readonly time: bigint;
  readonly #clients: ClientTable;
  readonly #doubt: Doubt;

  constructor(view: View, order: bigint, time: bigint, clients: ClientTable, doubt: Doubt) {
    this.view = view;
    this.order = order;
    this.time = time;
    this.#clients = clients;
    this.#doubt = doubt;
  }

  reply(source: Source, reply: Reply): void {
    const client = this.#clients.get(source);
    if (client !== undefined) this.#clients.reply(client, source.request, reply);
  }

  replyWhenCertain(source: Source, reply: Reply, doubtful: Reply): void {
    const client = this.#clients.get(source);
    if (client !== undefined) this.#doubt.reply(client, source.request, reply, doubtful);
  }

  callback(client: ClientRef, name: string, payload: unknown, options?: CallbackOptions): void {
    const known = this.#clients.get(client);
    if (known !== undefined) this.#clients.callback(known, name, payload, options);
  }
}
