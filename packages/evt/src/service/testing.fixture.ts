/** What the tests of the event service share: clients of a test cluster that speak its protocol. */
import { createTestCluster, type TestClient, type TestCluster } from '@aisexec/service/testing';
import type { Filter } from '../protocol.ts';
import { type EvtState, evtService } from './index.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (data: Uint8Array): string => new TextDecoder().decode(data);
export const exact = (text: string): Filter => ({ type: 3, pattern: bytes(text) });
export const passAll: Filter = { type: 4, pattern: bytes('') };

export function cluster(
  nodes: number | readonly number[] = 3,
  seed = 1,
  more: Partial<Parameters<typeof createTestCluster>[0]> = {},
): TestCluster {
  return createTestCluster({ nodes, services: [evtService], seed, ...more });
}

export interface PublishInit {
  readonly patterns?: readonly string[];
  readonly priority?: number;
  readonly retention?: bigint;
}

/** A client of one node with numbers of its own for opens and subscriptions. */
export class Peer {
  readonly client: TestClient;
  #handles = 0n;
  #serials = 0;

  constructor(world: TestCluster, node: number) {
    this.client = world.client(node, 'evt');
  }

  /** Opens for both and creates, unless told otherwise. @returns the handle. */
  open(
    name: string,
    options: { create?: boolean; publisher?: boolean; subscriber?: boolean } = {},
  ) {
    const handle = ++this.#handles;
    const defaults = { create: true, publisher: true, subscriber: true };
    const rc = this.rc('open', { handle, name, ...defaults, ...options });
    return { handle, rc };
  }

  rc(fn: string, argument: unknown): number | undefined {
    return this.client.request(fn, argument)?.rc;
  }

  /** @returns the serial. */
  subscribe(handle: bigint, id: number, ...filters: readonly Filter[]): number {
    const serial = ++this.#serials;
    const rc = this.rc('subscribe', { handle, id, serial, filters });
    if (rc !== 1) throw new Error(`subscribe answered ${rc}`);
    return serial;
  }

  post(handle: bigint, data: string, init: PublishInit = {}) {
    const { patterns = [], priority = 3, retention = 0n } = init;
    return this.client.post('publish', {
      handle,
      patterns: patterns.map(bytes),
      priority,
      retention,
      publisher: 'test',
      data: bytes(data),
    });
  }

  publish(world: TestCluster, handle: bigint, data: string, init: PublishInit = {}) {
    const pending = this.post(handle, data, init);
    world.run();
    return { rc: pending.reply?.rc, id: pending.reply?.['eventId'] as bigint };
  }

  /** Takes the data of the events that arrived. */
  take(): string[] {
    return this.client.take('event').map(({ payload }) => textOf(payload.data));
  }
}

/** The state as people see it, of one node. */
export function inspect(world: TestCluster, node: number) {
  return world.host(node).inspect('evt') as {
    retainedEvents: number;
    retainedBytes: number;
    opens: number;
    subscriptionBytes: number;
    channels: {
      name: string;
      linked: boolean;
      retainedEvents: number;
      opens: { node: number; subscriptions: number }[];
    }[];
  };
}

export type { EvtState };
