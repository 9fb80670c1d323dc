/** The client of the tally service. */
import { SA_AIS_OK, SaAisError } from '@aisexec/ais';
import { type ClientConnection, type ConnectOptions, socketConnector } from '@aisexec/ipc';

export type Counts = Readonly<Record<string, number>>;

export class Tally {
  readonly #connection: ClientConnection;

  private constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  /** @throws SaAisError: TRY_AGAIN when no executive answers, NOT_SUPPORTED when it does not run the service. */
  static async connect({ socket, connector }: ConnectOptions = {}): Promise<Tally> {
    return new Tally(await (connector ?? socketConnector(socket)).connect('tally'));
  }

  /** @throws SaAisError: EXIST when there is a poll of that name. */
  async open(poll: string, forMs: number): Promise<void> {
    await this.#ask('open', { poll, forMs });
  }

  /** @throws SaAisError: NOT_EXIST when there is no such poll, EXIST for who has voted. */
  async vote(poll: string, voter: string, choice: string): Promise<void> {
    await this.#ask('vote', { poll, voter, choice });
  }

  /** As it stands now, from this node's own copy. */
  async count(poll: string): Promise<Counts> {
    return (await this.#ask('count', { poll }))['counts'] as Counts;
  }

  /** Resolves when the poll closes. */
  async result(poll: string): Promise<Counts> {
    return (await this.#ask('result', { poll }))['counts'] as Counts;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #ask(fn: string, argument: unknown) {
    const reply = await this.#connection.request(fn, argument);
    if (reply.rc !== SA_AIS_OK) throw new SaAisError(reply.rc, fn);
    return reply;
  }
}
