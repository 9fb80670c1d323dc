/**
 * The engine below the cluster tests: the built-in ring, or (AISEXEC_TEST_ENGINE=corosync, as root) a real
 * Corosync for every node, over knet, encrypted, each in a network namespace of its own.
 */
import type { LocalClusterOptions } from '@aisexec/executive/local-cluster';
import { Lab, until } from '../interop/netns.ts';

export const ENGINE = process.env['AISEXEC_TEST_ENGINE'] ?? 'totem';

export interface Ground {
  /** The options for the engine in force. */
  readonly options: LocalClusterOptions;
  /** What runs below: for tests that hurt Corosync itself. */
  readonly lab?: Lab;
  close(): Promise<void>;
}

/** The keys of the section totem that Corosync has, too: its time-outs. */
function timesOf({ totem = {} }: LocalClusterOptions): Readonly<Record<string, number>> {
  const keys = typeof totem === 'function' ? totem(1) : totem;
  return Object.fromEntries(
    Object.entries(keys).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/**
 * Prepares what the executives will stand on.
 *
 * @param storm links may be cut and daemons stopped: a node that starts waits for its own Corosync only.
 */
export async function layGround(
  options: LocalClusterOptions,
  { storm = false }: { readonly storm?: boolean } = {},
): Promise<Ground> {
  if (ENGINE === 'totem') return { options, close: async () => {} };
  if (ENGINE !== 'corosync') throw new Error(`AISEXEC_TEST_ENGINE=${ENGINE}: totem or corosync`);
  const ids = Array.from({ length: options.nodes }, (_, i) => i + 1);
  const nodes = Object.fromEntries(ids.map((id) => [id, 'corosync' as const]));
  const lab = new Lab({ nodes, transport: 'knet', totem: timesOf(options) });
  try {
    lab.start();
    await lab.ring(ids);
  } catch (error) {
    await lab.close();
    throw error;
  }
  const provider = options.quorum === 'none' ? 'none' : 'corosync';
  const paused = new Set<number>();
  const place = (id: number) => ({
    command: ['ip', 'netns', 'exec', lab.node(id).namespace],
    config: { engine: 'corosync', corosync: { retry: storm }, quorum: { provider } },
    async ready() {
      if (storm) lab.node(id).signal('SIGCONT');
      const isUp = (other: number) => lab.node(other).running && !paused.has(other);
      const others = storm ? [id] : ids.filter(isUp);
      await until(async () => {
        // Its end after a kill is seen later than the executive's.
        if (!lab.node(id).running) lab.node(id).start();
        const members = (await lab.node(id).ring())?.members ?? [];
        return others.every((other) => members.includes(other)) ? undefined : members.join();
      });
    },
    // A node is a machine: what befalls it befalls its Corosync.
    signal(signal: NodeJS.Signals) {
      lab.node(id).signal(signal);
      if (signal === 'SIGSTOP') paused.add(id);
      else paused.delete(id);
    },
  });
  return { options: { ...options, place }, lab, close: () => lab.close() };
}
