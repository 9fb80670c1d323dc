/** Refused packets in the log: of one node and one reason a line now and then, with the count of those between. */
import type { NodeConfig } from '../../config/config.ts';
import { REFUSAL_REPORT_MS } from '../../limits.ts';
import type { Refusal } from './opener.ts';

/** Or `sealed`: a sealed packet on a ring in the clear. */
export type Reason = Refusal | 'sealed';

interface Told {
  nextAt: number;
  suppressed: number;
}

export interface Reports {
  /** @param detail asked only when there is a line. @returns whether there was one. */
  report(
    node: NodeConfig,
    reason: Reason,
    detail: () => Readonly<Record<string, unknown>>,
  ): boolean;
}

/** Bounded: an entry per configured node and reason. */
export function createReports(
  trace: (event: string, detail: Readonly<Record<string, unknown>>) => void,
  clock: () => number,
): Reports {
  const told = new Map<string, Told>();
  return {
    report(node, reason, detail) {
      const key = `${node.id} ${reason}`;
      const entry = told.get(key) ?? { nextAt: Number.NEGATIVE_INFINITY, suppressed: 0 };
      told.set(key, entry);
      const now = clock();
      if (now < entry.nextAt) {
        entry.suppressed++;
        return false;
      }
      const { id, name, address, port } = node;
      trace('packet-refused', {
        from: id,
        name,
        address,
        port,
        reason,
        ...detail(),
        suppressed: entry.suppressed,
      });
      entry.nextAt = now + REFUSAL_REPORT_MS;
      entry.suppressed = 0;
      return true;
    },
  };
}
