/** Corosync's service cfg (1), as far as it concerns a citizen: an operator may have a node killed (totem-wire §4.5). */
import type { CorosyncBus, CorosyncService } from './contract.ts';
import { viewOf } from './exec-message.ts';

const CFG_SERVICE_ID = 1;
const FN_KILLNODE = 1;
const OFFSET_NODE = 16;
const KILLNODE_BYTES_MIN = 20;

/** @param killed `corosync-cfgtool -k` named this node: leave the ring and end. */
export function createCfgService(
  bus: CorosyncBus,
  killed: (source: number) => void,
): CorosyncService {
  return {
    id: CFG_SERVICE_ID,
    name: 'cfg',
    deliver(fn, source, message) {
      // Shutdown, reload and crypto phases concern the C daemons only.
      if (fn !== FN_KILLNODE) return undefined;
      if (message.length < KILLNODE_BYTES_MIN) return 'malformed killnode';
      if (viewOf(message).getUint32(OFFSET_NODE, true) === bus.nodeId) killed(source);
      return undefined;
    },
    inspect: () => null,
  };
}
