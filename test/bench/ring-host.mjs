// The engine (ring, process groups, UDP, timers) for programs that measure: on whatever thread imports this.
import { createHistogram } from 'node:perf_hooks';
import { createTotem, ringDefaults } from '@aisexec/totem';
import { createTimers } from '../../packages/executive/dist/drivers/timers.js';
import { createUdpTransport } from '../../packages/executive/dist/drivers/udp/udp.js';

const ORF_TOKEN = 0;

/** @param handlers of the group, as in the contract; `ready` when all `ports` are members. */
export async function openRing({ index, ports, io = 'auto', ...settings }, handlers) {
  const nodes = ports.map((port, i) => ({
    ...{ id: i + 1, name: `n${i + 1}`, port },
    ...{ address: '127.0.0.1', family: 'inet' },
  }));
  /** Microseconds between two tokens that left here. */
  const rotations = createHistogram();
  let tokenAt = 0;
  const udp = await createUdpTransport({
    ...{ self: nodes[index], nodes, io },
    receive: (packet) => totem.ring.receive(packet, performance.now()),
  });
  const timers = createTimers({ fire: (name, now) => totem.ring.timeout(name, now) });
  const config = ringDefaults({
    ...{ nodeId: index + 1, ringSeq: 0, random: Math.random },
    ...settings,
  });
  const totem = createTotem(config, {
    unicast(target, packet) {
      if (packet[3] === ORF_TOKEN) {
        const now = performance.now();
        if (tokenAt > 0) rotations.record(Math.max(1, Math.round((now - tokenAt) * 1000)));
        tokenAt = now;
      }
      udp.unicast(target, packet);
    },
    multicast: (packet) => udp.multicast(packet),
    flush: () => udp.flush(),
    setTimer: (name, delayMs) => timers.set(name, delayMs),
    cancelTimer: (name) => timers.cancel(name),
    storeRingId: () => {},
    trace: () => {},
  });
  const group = totem.messaging.join('bench', {
    deliver: handlers.deliver,
    drained: handlers.drained,
    configuration({ type, ringId, members }) {
      if (type !== 'regular') return;
      setImmediate(() => totem.messaging.syncComplete(ringId));
      if (members.length === nodes.length) handlers.ready();
    },
  });
  totem.ring.start(performance.now());
  return {
    group,
    nodeId: index + 1,
    stats: () => totem.stats(),
    /** Since the last call. */
    takeRotations() {
      const [p50, p99, max] = [rotations.percentile(50), rotations.percentile(99), rotations.max];
      rotations.reset();
      return { p50, p99, max };
    },
  };
}
