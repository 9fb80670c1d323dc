/**
 * Any process on a node with several networks: the link layer of `@aisexec/totem` between it and them, as the
 * executive has it between ring and sockets. The process inside sees one network.
 */
import { createLinks, type LinkMode } from '@aisexec/totem';
import type { ProcessEnvironment, ProcessFactory, SimProcess } from '../world/process.ts';

export interface LinkedOptions {
  /** Networks of the world, 2 to 8. */
  readonly links: number;
  readonly mode: LinkMode;
  readonly settingsOf: (node: number) => { readonly tokenMs: number };
}

const LINK_TIMER = 'links';

export function linkedProcessFactory(
  inner: ProcessFactory,
  options: LinkedOptions,
): ProcessFactory {
  return (environment) => createLinkedProcess(environment, inner, options);
}

function createLinkedProcess(
  environment: ProcessEnvironment,
  inner: ProcessFactory,
  { links: count, mode, settingsOf }: LinkedOptions,
): SimProcess {
  const { node, incarnation, nodes } = environment;
  const { tokenMs } = settingsOf(node);
  const all = Array.from({ length: count }, (_, link) => link);
  const peers = nodes.filter((id) => id !== node).map((id) => ({ id, links: all }));
  const links = createLinks(
    { nodeId: node, mode, tokenMs, peers },
    {
      unicast: (link, target, packet) => environment.unicast(target, packet, link),
      multicast: (link, packet, targets) => environment.multicast(packet, link, targets),
      setTimer: (delayMs) => environment.setTimer(LINK_TIMER, delayMs),
      event({ event, ...detail }) {
        environment.trace({
          kind: 'note',
          time: environment.time,
          node,
          incarnation,
          event,
          detail,
        });
      },
    },
  );
  const process = inner(
    Object.create(environment, {
      unicast: { value: (target: number, packet: Uint8Array) => links.unicast(target, packet) },
      multicast: { value: (packet: Uint8Array) => links.multicast(packet) },
    }) as ProcessEnvironment,
  );

  return {
    start(now) {
      links.start(now);
      process.start(now);
    },
    receive(packet, now, source, link) {
      if (!links.receive(link, source, packet, now)) process.receive(packet, now, source, link);
    },
    timeout(timer, now) {
      if (timer === LINK_TIMER) links.timeout(now);
      else process.timeout(timer, now);
    },
    suspect(suspected, now, link) {
      if (links.refused(link, suspected, now)) process.suspect(suspected, now, link);
    },
    leave: (now) => process.leave(now),
    load: (on) => process.load(on),
    conclude: () => process.conclude(),
    digest: () => process.digest(),
    get state() {
      return process.state;
    },
    get ring() {
      return process.ring;
    },
    get idle() {
      return process.idle;
    },
    stats: () => ({ ...process.stats(), ...links.stats() }),
  };
}
