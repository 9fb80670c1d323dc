/** Load on the test service of `@aisexec/service/testing`: counters that clients add to and watch. */
import { SA_AIS_OK } from '@aisexec/ais';
import type { Reply } from '@aisexec/service';
import { counterService } from '@aisexec/service/testing';
import { type Connection, openConnection } from './connection.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

const NAMES = ['alpha', 'beta', 'gamma'];
const OUTSTANDING_MAX = 8;
const PAUSE_MEAN_MS = 40;
const WATCH_NS_MAX = 2_000_000_000;

export const counterWorkload: ServiceWorkload = { service: counterService, create };

function create(context: WorkloadContext): WorkloadClient {
  const { random, host } = context;
  let connection: Connection | undefined;
  let stopped = false;
  let lastOrder = -1n;

  /** The place in the order is the fencing token: it rises from reply to reply. */
  const onAdded = (reply: Reply): void => {
    if (reply.rc !== SA_AIS_OK) {
      context.wrong('counter', `add was answered ${reply.rc}`);
      return;
    }
    const order = reply['order'];
    if (typeof order !== 'bigint' || order <= lastOrder) {
      context.wrong('counter', `order ${String(order)} does not exceed ${lastOrder}`);
      return;
    }
    lastOrder = order;
  };

  const ask = (on: Connection): void => {
    const name = random.pick(NAMES);
    const die = random.next();
    if (die < 0.7) on.request('add', { name, amount: random.below(100) }, onAdded);
    else if (die < 0.9) on.request('get', { name }, () => undefined);
    else {
      const forNs = BigInt(1 + random.below(WATCH_NS_MAX));
      on.request('watch', random.chance(0.5) ? { name } : { name, forNs }, () => undefined);
    }
  };

  return {
    act() {
      if (!stopped && host.view !== undefined) {
        connection ??= openConnection(context, 'counter');
        if (random.chance(0.02)) {
          connection.disconnect();
          connection = undefined;
        } else if (connection.outstanding < OUTSTANDING_MAX) ask(connection);
      }
      return random.exponential(PAUSE_MEAN_MS);
    },
    stop() {
      stopped = true;
    },
    get idle() {
      return stopped && (connection?.outstanding ?? 0) === 0;
    },
  };
}
