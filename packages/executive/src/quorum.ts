/** The quorum filter of a configuration: one of ours with its record on disk, or one from a module. */
import { pathToFileURL } from 'node:url';
import {
  createQuorum,
  QUORUM_API_VERSION,
  type QuorumFilter,
  type QuorumOptions,
  type QuorumPlugin,
  type VotequorumOptions,
} from '@aisexec/service';
import type { ExecutiveConfig } from './config/config.ts';
import { openQuorumStore } from './drivers/quorum-store.ts';
import { resolveModule } from './plugins/resolve-module.ts';

/** The module of `quorum.module` is no quorum filter that can run here. */
export class QuorumModuleError extends Error {
  override readonly name = 'QuorumModuleError';
}

/** The options of votequorum, but for what only a ring of executives knows. */
export function voteOptions({ quorum }: ExecutiveConfig): VotequorumOptions {
  const { expectedVotes, twoNode, waitForAll, votes, allowDownscale } = quorum;
  const { autoTieBreaker, lastManStandingMs } = quorum;
  return {
    ...{ provider: 'votequorum', expectedVotes, twoNode, waitForAll, votes, allowDownscale },
    ...(autoTieBreaker === undefined ? {} : { autoTieBreaker }),
    ...(lastManStandingMs === undefined ? {} : { lastManStandingMs }),
  };
}

/**
 * @param directory where a module is looked for. @param below what the Corosync below says. @throws StableStoreError, QuorumModuleError, and what the module's
 * own code throws.
 */
export async function openQuorum(
  config: ExecutiveConfig,
  directory: string,
  below?: QuorumFilter,
): Promise<QuorumFilter> {
  const { node, nodes, quorum, stateDir } = config;
  const { provider, module } = quorum;
  if (provider === 'corosync' && below !== undefined) return below;
  const nodeIds = nodes.map(({ id }) => id);
  const store = (name: string) => openQuorumStore(stateDir, name, node.id);
  if (module !== undefined) {
    const plugin = await importQuorum(module, directory);
    return plugin.create(
      { nodeId: node.id, nodes: nodeIds, config: quorum.config },
      store('module'),
    );
  }
  if (provider === 'none' || provider === 'corosync') return createQuorum({ provider: 'none' });
  const options: QuorumOptions =
    provider === 'ykd' ? { provider, nodes: nodeIds } : voteOptions(config);
  const remembers = provider === 'ykd' || quorum.allowDownscale;
  return createQuorum(options, node.id, remembers ? store(provider) : undefined);
}

async function importQuorum(module: string, directory: string): Promise<QuorumPlugin> {
  const fail = (text: string): never => {
    throw new QuorumModuleError(`quorum.module: ${module}: ${text}`);
  };
  let url: string;
  try {
    url = pathToFileURL(resolveModule(module, directory)).href;
  } catch (error) {
    return fail((error as Error).message);
  }
  const { quorum } = (await import(url)) as { readonly quorum?: Partial<QuorumPlugin> };
  if (typeof quorum !== 'object' || quorum === null || typeof quorum.create !== 'function') {
    return fail("exports no 'quorum': export const quorum = defineQuorum({ … })");
  }
  if (quorum.api !== QUORUM_API_VERSION) {
    const text = `written for version ${String(quorum.api)} of the quorum contract, this executive has ${QUORUM_API_VERSION}`;
    return fail(text);
  }
  return quorum as QuorumPlugin;
}
