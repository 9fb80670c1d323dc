/** A module's code, checked before anything of it runs: the version of the contract, the configuration. */
import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import {
  NO_CONFIG,
  SERVICE_API_VERSION,
  type ServiceDefinition,
  type ServicePlugin,
  schemaFault,
} from '@aisexec/service';
import { GENERATION, resolveSync } from './reload-hooks.ts';
import { resolveModule } from './resolve-module.ts';

// biome-ignore lint/suspicious/noExplicitAny: services of one host differ in their states
export type AnyService = ServiceDefinition<any>;

/** What is wrong in the plugin's own section of the configuration, at `path` below it. */
export class PluginConfigError extends Error {
  override readonly name = 'PluginConfigError';
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], text: string) {
    super(text);
    this.path = path;
  }
}

export interface PluginSource {
  readonly module: string;
  readonly directory: string;
  readonly config: unknown;
  /** How often it was imported before: Node.js never forgets a module, so fresh code needs a new address. */
  readonly generation: number;
}

/** @throws Error, PluginConfigError: why it is no service that can run here. */
export async function importPlugin(source: PluginSource): Promise<AnyService> {
  const { module, directory, config, generation } = source;
  const url = pathToFileURL(resolveModule(module, directory));
  if (generation > 0) url.searchParams.set(GENERATION, String(generation));
  const exported = (await import(url.href)) as { readonly plugin?: Partial<ServicePlugin> };
  const { plugin } = exported;
  if (typeof plugin !== 'object' || plugin === null) {
    throw new Error("the module exports no 'plugin': export const plugin = definePlugin({ … })");
  }
  if (plugin.api !== SERVICE_API_VERSION) {
    throw new Error(
      `written for version ${String(plugin.api)} of the service contract, this executive has ` +
        `${SERVICE_API_VERSION}: install a release of it for this one`,
    );
  }
  if (typeof plugin.create !== 'function') throw new Error('plugin.create is no function');
  const fault = schemaFault(plugin.config ?? NO_CONFIG, config ?? {});
  if (fault !== undefined) throw new PluginConfigError(fault.path, fault.text);
  return plugin.create(config ?? {}) as AnyService;
}

/**
 * From here on what a reloaded module imports is reloaded with it; for the whole process. Where Node.js has no hooks
 * on its own thread this starts one and waits for it: better before the ring turns.
 */
export function reloadImportsToo(): void {
  const hooked = Symbol.for('aisexec.reload-hooks');
  const known = process as { [hooked]?: true };
  if (known[hooked] === true) return;
  known[hooked] = true;
  const { registerHooks } = nodeModule as {
    registerHooks?: (hooks: { readonly resolve: typeof resolveSync }) => unknown;
  };
  if (registerHooks !== undefined) registerHooks({ resolve: resolveSync });
  else nodeModule.register(new URL('./reload-hooks.js', import.meta.url));
}
