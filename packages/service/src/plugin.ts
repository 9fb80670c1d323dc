/**
 * What a module exports to be loaded by an executive that has never heard of it (docs/devmap.md):
 *
 *     export const plugin = definePlugin({ api: SERVICE_API_VERSION, create: () => tallyService });
 */
import type { ServiceDefinition } from './contract.ts';
import { type Schema, s } from './schema.ts';

/**
 * Version of the contract between an executive and its services: rises with a change that old services do not
 * survive. A plugin with another number is refused by name.
 */
export const SERVICE_API_VERSION = 1;

export interface ServicePlugin<Config = unknown> {
  /** {@link SERVICE_API_VERSION} of the contract that it was written for, as a literal number. */
  readonly api: number;
  /** Its own section of the configuration; absent: it has none. */
  readonly config?: Schema<Config>;
  /**
   * Makes the service. Runs at load and at every reload, on one node by itself: what it takes from the
   * configuration must be the same on all nodes where handlers act on it.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the state's type is the service's own affair
  readonly create: (config: Config) => ServiceDefinition<any>;
}

/** Declares what a module exports as `plugin`; the identity function, for the types. */
export function definePlugin<Config = Record<never, never>>(
  plugin: ServicePlugin<Config>,
): ServicePlugin<Config> {
  return plugin;
}

/** The schema of a plugin without a configuration: nothing may be given. */
export const NO_CONFIG: Schema<unknown> = s.object({});
