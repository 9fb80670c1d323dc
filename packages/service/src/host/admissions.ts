/**
 * Which local clients may use the services that are for members of the cluster only (AIS B.0, UNAVAILABLE;
 * ADR 0120). One service of the executive says who is a member; its word is replicated, so that a removal is
 * one place of the total order. Everything after that is the business of the client's own node: it answers
 * UNAVAILABLE, and what the client leaves behind goes the way of every client that is gone.
 *
 * Without such a service every node is a member.
 */
import type { Client, ClientTable } from './clients.ts';
import type { Replica } from './replica.ts';

export interface AdmissionsOptions {
  readonly nodeId: number;
  readonly replicas: ReadonlyMap<number, Replica>;
  readonly clients: ClientTable;
  /** Called once for a client that is stale from now on. */
  readonly expired: (client: Client) => void;
}

export class Admissions {
  readonly #options: AdmissionsOptions;
  /** The word of the last {@link update}. */
  #present: bigint | null | undefined;

  constructor(options: AdmissionsOptions) {
    this.#options = options;
  }

  /** A client has come: with the node's present admission, or stale from the start. */
  connected(client: Client): void {
    if (this.#present !== undefined && client.replica.definition.membersOnly === true) {
      this.#judge(client, this.#present);
    }
  }

  /** To be called after everything that may have changed who is a member; not before the first view. */
  update(): void {
    const teller = this.#teller();
    if (teller === undefined) return;
    const { nodeId, clients } = this.#options;
    const present = teller.guard('admission', () =>
      teller.definition.admission?.(teller.state, nodeId),
    );
    // A membership service that failed says nothing: what it said last stands.
    if (present === undefined || present === this.#present) return;
    this.#present = present;
    for (const client of clients.all()) {
      if (client.replica.definition.membersOnly === true) this.#judge(client, present);
    }
  }

  /** Services come and go while the executive runs. */
  #teller(): Replica | undefined {
    for (const replica of this.#options.replicas.values()) {
      if (replica.definition.admission !== undefined) return replica;
    }
    return undefined;
  }

  #judge(client: Client, present: bigint | null): void {
    if (client.stale) return;
    client.admission ??= present ?? undefined;
    if (present === null || client.admission !== present) this.#options.expired(client);
  }
}
