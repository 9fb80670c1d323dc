/** A process without a protocol: it gossips numbers, to see what the world does with its packets. */
import type { ProcessEnvironment, SimProcess } from './process.ts';

export interface ToyLog {
  readonly node: number;
  readonly incarnation: number;
  readonly event: string;
  readonly time: number;
}

export function createToy(environment: ProcessEnvironment, log: ToyLog[] = []): SimProcess {
  const { node, incarnation } = environment;
  let count = 0;
  const note = (event: string, value: number): void => {
    log.push({ node, incarnation, event: `${event} ${value}`, time: environment.time });
    const head = { time: environment.time, node, incarnation };
    environment.trace({ kind: 'note', ...head, event, detail: { value } });
  };
  return {
    start() {
      note('store', environment.store.ringSeq);
      environment.setTimer('beat', 10);
    },
    receive(packet) {
      note('receive', packet[4]!);
      packet.fill(0);
    },
    timeout(timer) {
      count += 1;
      note(timer, count);
      environment.storeRingSeq(count);
      environment.multicast(Uint8Array.of(0, 0, 0, 1, count));
      environment.unicast(node, Uint8Array.of(0, 0, 0, 0, count));
      environment.setTimer('beat', 10 * environment.random.between(0.5, 1.5));
    },
    suspect: (suspected) => note('suspect', suspected),
    leave: () => undefined,
    load: () => undefined,
    state: 'toy',
    ring: { rep: 0, seq: 0 },
    conclude: () => undefined,
    digest: () => '',
    idle: true,
    stats: () => ({ count }),
  };
}
